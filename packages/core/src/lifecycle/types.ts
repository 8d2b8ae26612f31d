import type { Observable } from 'rxjs'
import type { End, LinkId, Millis, Reached, RetryAdvice } from '../end.js'
import type { DrainReport } from '../gate/types.js'
import type { LinkOptions } from '../link/options.js'
import type { Dialer, Endpoint, Link, LinkProtocol, LinkSink } from '../link/types.js'

/** Where a lifecycle is. `attempt` counts the ends since a link was last stable. */
export type LifecycleState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'waiting'; readonly attempt: number; readonly retryAt: Millis; readonly why: End }
  /** `link` and `endpoint` are null while the endpoint is looked up and while admission is awaited. */
  | {
      readonly phase: 'dialing'
      readonly attempt: number
      readonly link: LinkId | null
      readonly endpoint: Endpoint | null
    }
  | { readonly phase: 'handshaking'; readonly attempt: number; readonly link: LinkId; readonly since: Millis }
  | { readonly phase: 'ready'; readonly link: LinkId; readonly since: Millis; readonly stable: boolean }
  | {
      readonly phase: 'draining'
      readonly link: LinkId
      readonly deadline: Millis
      readonly inFlight: number
    }
  /** Asked for. */
  | { readonly phase: 'closed'; readonly why: End }
  /** The advice was `never`, or the backoff gave up. */
  | { readonly phase: 'failed'; readonly why: End }

/** Something that happened to a lifecycle; `at` is a point on `clock.now()`. */
export type LifecycleEvent = { readonly at: Millis; readonly link?: LinkId | undefined } & (
  | {
      readonly kind: 'transition'
      readonly from: string
      readonly to: string
      readonly why?: End | undefined
    }
  | { readonly kind: 'probed' | 'nudged' | 'admitted' }
)

/** What a {@link Backoff} decides on. */
export interface BackoffContext {
  /** Ends since a link was last stable, this one not counted: 0 for the first. */
  readonly attempt: number
  /** The delay before; 0 if there was none. */
  readonly previous: Millis
  readonly why: End
  readonly reached: Reached
  /** Uniform in [0, 1). */
  random(): number
}

/** How long to wait before the next dial, or that there shall be none. */
export type Backoff = (context: BackoffContext) => Millis | 'give-up'

/** Options of {@link lifecycle}. */
export interface LifecycleOptions<P extends LinkProtocol> extends LinkOptions<P> {
  readonly dialer: Dialer
  /**
   * Tried in turn, the next one after each end; or a function that is asked before each dial. Each lifecycle begins with
   * the first one, those of a pool as well: to spread them, give a function that goes round.
   */
  readonly endpoints: readonly Endpoint[] | (() => Endpoint | Promise<Endpoint>)
  /**
   * How long a dial may take; looking the endpoint up may take as long again. Waiting for admission does not count.
   *
   * @defaultValue 10000
   */
  readonly dialWithin?: Millis
  /**
   * How long a link must have been ready to count as stable: only then do attempts start again from 0, and is the
   * advice `now` honoured.
   *
   * @defaultValue 10000
   */
  readonly stableAfter?: Millis
  /** @defaultValue `fullJitter()` */
  readonly backoff?: Backoff
  /** The last word on every end, the transport's too. If it throws, the end's own advice holds. */
  readonly advise?: (why: End, reached: Reached) => RetryAdvice
  /**
   * Which link to keep when the peer opens one while ours is open. If it throws, the current one is kept.
   *
   * @defaultValue the current one
   */
  readonly prefer?: (current: P, incoming: Endpoint) => 'current' | 'incoming'
}

/** Turns a dialer into a sequence of links, at most one at a time, until it is closed. */
export interface Lifecycle<P extends LinkProtocol = LinkProtocol> extends AsyncDisposable {
  /** The protocol's object of the ready link; `null` between links. */
  readonly current: P | null
  /** Replays, never errors, completes with `state$`. The bridge to pipelines, see {@link whileReady}. */
  readonly current$: Observable<P | null>
  readonly state: LifecycleState
  /** Replays the current snapshot, never errors, completes once closed or failed. Subscribing connects nothing. */
  readonly state$: Observable<LifecycleState>
  /** Hot. Completes once closed or failed. */
  readonly events$: Observable<LifecycleEvent>
  /**
   * Offers a link that the peer opened. If it is wanted, `take` is called and the link takes the place of waiting
   * or of a dial, which ends as `superseded`; while a link is open, {@link LifecycleOptions.prefer} decides.
   * In the middle of a step, as in a subscriber, none is.
   *
   * @returns whether it was taken
   */
  adopt(take: (sink: LinkSink) => Link, from: Endpoint): boolean
  /** Begins to dial; a started lifecycle holds the process. Again, or after the end, does nothing. */
  start(): void
  /** Dials soon instead of waiting the rest of a delay; still jittered, admitted, and never before a given `after`. */
  nudge(why: 'network-up' | 'host-woke' | 'operator'): void
  /** Ends the link, or the dial, with this reason and goes on as its advice says. Without one it does nothing. */
  restart(why: End): void
  /**
   * Waits for a ready link.
   *
   * @throws a `HoldfastError`: `HF_LIFECYCLE_ENDED` when there will be none, `HF_NOT_READY` after `within`;
   *   `signal.reason` when aborted
   */
  whenReady(o?: { readonly signal?: AbortSignal; readonly within?: Millis }): Promise<P>
  /** Refuses new work, lets what is in flight finish within `within`, flushes, and closes. Settles by the deadline. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends at once and for good. */
  close(why?: Partial<End>): void
}
