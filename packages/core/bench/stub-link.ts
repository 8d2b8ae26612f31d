import { type Dialer, type Endpoint, end, type Link, type LinkSink, nextLinkId } from '@holdfast/core'

const nothing = (): void => undefined

/** A link without anything behind it, open from the start. */
export class StubLink implements Link {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint
  readonly sink: LinkSink
  phase: Link['phase'] = 'open'
  readonly accepted = 0
  readonly unflushed = 0

  constructor(endpoint: Endpoint, sink: LinkSink) {
    this.endpoint = endpoint
    this.sink = sink
  }

  write(): 'sent' {
    return 'sent'
  }

  pause(): () => void {
    return nothing
  }

  end(): void {
    this.phase = 'ended'
  }

  destroy(): void {
    this.phase = 'ended'
  }
}

const refused = end('dial-failed')

/** Opens, or refuses, every link within the call that dials it. */
export class StubDialer implements Dialer {
  readonly #opens: boolean
  /** The newest link. */
  last: StubLink | null = null

  constructor(opens = true) {
    this.#opens = opens
  }

  dial(to: Endpoint, sink: LinkSink): Link {
    const link = new StubLink(to, sink)
    this.last = link
    if (this.#opens) sink.opened()
    else sink.ended(refused)
    return link
  }
}
