import { type End, type EndKind, end } from '../end.js'
import type { Ticket } from '../gate/types.js'
import type { LinkProtocol } from '../link/types.js'
import type { ReleaseWhy } from './model.js'
import type { HeldLink } from './slot.js'
import type { Binding } from './types.js'

/** A session as the pool's shell knows it: what has really been told to the mover, and not what is to be. */
export class HeldBinding<S, P extends LinkProtocol> implements Binding<S, P> {
  readonly session: S
  readonly ticket: Ticket
  readonly #release: () => void
  /** The link that it is on. */
  link: HeldLink<P> | null = null
  /** The link that it was on before. */
  left: HeldLink<P> | null = null
  /** What one of its hooks has thrown: it must not be moved any more. */
  failure: End | null = null
  /** What its owner said when releasing it. */
  asked: End | null = null
  /** What has become of it in the step that was to bind it; `null` if it has been bound, or parked. */
  refusal: End | null = null
  /** Whoever bound it has been given it, and must hear of its end. */
  isGiven = false
  isReleased = false
  #attached = 0

  constructor(session: S, ticket: Ticket, release: () => void) {
    this.session = session
    this.ticket = ticket
    this.#release = release
  }

  get on(): P | null {
    return this.link?.protocol ?? null
  }

  get state(): 'bound' | 'parked' | 'released' {
    if (this.isReleased) return 'released'
    return this.link === null ? 'parked' : 'bound'
  }

  get moves(): number {
    return Math.max(0, this.#attached - 1)
  }

  attached(to: HeldLink<P>): void {
    this.link = to
    this.#attached += 1
  }

  detached(): void {
    this.left = this.link
    this.link = null
  }

  release(why: Partial<End> = {}): void {
    if (this.isReleased || this.asked !== null) return
    this.asked = { ...endOf('asked'), ...why }
    this.#release()
  }

  /** Why it is released, as the mover and the reports are told. */
  endOf(why: ReleaseWhy): End {
    if (why === 'pinned' && this.failure !== null) return this.failure
    return (why === 'asked' ? this.asked : null) ?? endOf(why, this.left)
  }
}

const verdicts: Readonly<Record<ReleaseWhy, readonly [EndKind, 'backoff' | 'never', string]>> = {
  'mid-send': ['drained', 'backoff', 'its link went while something of it was not sent'],
  pinned: ['drained', 'backoff', 'its link went, and it cannot be on another'],
  'no-link': ['dial-failed', 'backoff', 'no link is ready, nor to be expected in time'],
  'park-full': ['overflow', 'backoff', 'too many wait for a link'],
  'park-expired': ['dial-timeout', 'backoff', 'no link became ready in time'],
  asked: ['closed-by-us', 'never', 'released by its owner'],
  draining: ['drained', 'never', 'the pool is draining'],
  closed: ['closed-by-us', 'never', 'the pool is closed'],
}

/** The end of a binding: {@link End.code} has the reason, and where a link took it with it, the kind is that link's. */
export function endOf(code: ReleaseWhy, left: HeldLink<LinkProtocol> | null = null): End {
  const [kind, advice, detail] = verdicts[code]
  if (code !== 'mid-send' && code !== 'pinned') return end(kind, { advice: { kind: advice }, code, detail })
  const lost = left?.why
  const how = lost == null ? '' : `: ${lost.kind}${lost.code === undefined ? '' : ` (${lost.code})`}`
  return end(lost?.kind ?? kind, {
    advice: { kind: advice },
    code,
    detail: detail + how,
    cause: lost?.cause,
    link: left?.id,
  })
}
