import type { AcceptSink, Endpoint, Link, LinkSink } from '../index.js'
import { HoldfastError } from '../index.js'

/** The two answers to a peer. */
export interface Offer {
  readonly refuse: () => void
  readonly take: (sink: LinkSink) => Link
}

/** Offers a peer to the sink and refuses it unless it is taken during the call. */
export function offer(sink: AcceptSink, remote: Endpoint, { refuse, take }: Offer): void {
  const answer = { isOver: false, isTaken: false }
  try {
    sink.incoming((linkSink) => {
      if (answer.isOver || answer.isTaken) {
        throw new HoldfastError('HF_TAKEN_TOO_LATE', 'take a peer once, during the call that announces it')
      }
      answer.isTaken = true
      return take(linkSink)
    }, remote)
  } catch (cause) {
    process.emitWarning(cause instanceof Error ? cause : String(cause))
  }
  answer.isOver = true
  if (!answer.isTaken) refuse()
}
