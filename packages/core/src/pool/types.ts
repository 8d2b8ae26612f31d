import type { Observable } from 'rxjs'
import type { End, LinkId, Millis } from '../end.js'
import type { Env } from '../env/types.js'
import type { DrainReport } from '../gate/types.js'
import type { LifecycleOptions } from '../lifecycle/types.js'
import type { LinkProtocol } from '../link/types.js'

/**
 * Whether a session can leave a link now. `true`: nothing of it is unflushed or half framed there, or all that is
 * unsent is kept whole and will be written again. `mid-send`: not yet. `pinned`: never.
 */
export type Movability = true | 'mid-send' | 'pinned'

/** How many links a pool has. */
export interface PoolSize {
  /** Kept up at all times. A slot that was told to go no longer counts. */
  readonly min: number
  /** Never exceeded, slots that were told to go not counted. */
  readonly max: number
  /** When every link has more bindings than this, and no slot is without a link, further slots are opened. */
  readonly growAbove?: number
  /**
   * How many at a time.
   *
   * @defaultValue 1
   */
  readonly burst?: number
  /**
   * When all links but one would still have fewer bindings than this on average, one is retired, down to `min`.
   * Less than `growAbove`, or the pool would breathe.
   */
  readonly shrinkBelow?: number
}

/** Where bindings wait that have no link to be on. */
export interface PoolPark {
  /**
   * How long at most. At once over when no slot is dialing, handshaking, drained by its peer or due to dial
   * before the time is up.
   */
  readonly within: Millis
  /** How many at most; the rest is released. */
  readonly max: number
}

/**
 * How sessions `S` get on and off links, whose protocol's object is a `P`. All of it synchronous; what a hook asks of
 * the pool (bind, release, retire) is done after the step that called it. A hook writes for its own session only: who
 * else moves in this step is settled by then.
 *
 * A session hears `attach` and `detach` in turn, and `released` once, last. A hook that throws harms its own session
 * and its own link only: where `attach` threw, or `detach` from a living link, the link ends as `adapter-threw`; whose
 * `attach` or `movable` threw is released as `adapter-threw` when it next has to move.
 */
export interface Mover<S, P> {
  /**
   * Whether the session can leave this link now, asked in the very step that wants to move it. The link may have
   * ended: what it says of {@link Link.accepted} and {@link Link.unflushed} is final then.
   */
  movable(session: S, from: P): Movability
  /** The session is on this link from now on. Never called with a link that is going or gone. */
  attach(session: S, to: P): void
  /** The session has left this link. Without an `attach` right after, it is parked. */
  detach(session: S, from: P, linkAlive: boolean): void
  /** The binding is over: the one place to close what the session belongs to. */
  released(session: S, why: End): void
}

/** Options of {@link pool}. */
export interface PoolOptions<S, P extends LinkProtocol> {
  readonly env: Env
  /** Of each lifecycle of the pool; all are alike. */
  readonly slot: LifecycleOptions<P>
  readonly mover: Mover<S, P>
  readonly size: PoolSize
  /** Where sessions wait for a link, those of {@link Pool.bind} too. Without it they are released, or refused. */
  readonly park?: PoolPark
  /**
   * Names a session in reports.
   *
   * @defaultValue the number of its binding
   */
  readonly label?: (session: S) => string
}

/** A session of a pool. It outlives the links that it is on. */
export interface Binding<S, P> {
  readonly session: S
  /** The protocol's object of the link that it is on; `null` while it is parked, and once it is released. */
  readonly on: P | null
  readonly state: 'bound' | 'parked' | 'released'
  /** How often it has gone from one link to another. */
  readonly moves: number
  /**
   * The session is over. It is detached, and {@link Mover.released} told `closed-by-us`, or what `why` says. In the
   * middle of a step that is done after it. Again, or after the end, does nothing.
   */
  release(why?: Partial<End>): void
}

/** What became of the bindings of a link that is gone. */
export interface MoveReport {
  readonly link: LinkId
  readonly moved: number
  readonly parked: number
  /** Who had to be released, and why. Who was released by its owner is not counted. */
  readonly cut: readonly { readonly label: string; readonly why: End }[]
}

/** A link of a pool. `retiring`: it takes no more bindings, and loses those it has. */
export interface PooledLink {
  readonly id: LinkId
  readonly phase: 'ready' | 'retiring'
  /** How many bindings it has. */
  readonly bound: number
}

/** A binding of a pool as one who looks on sees it. */
export interface PooledBinding {
  /** Counts up in the pool. */
  readonly id: number
  /** What {@link PoolOptions.label} calls its session. */
  readonly label: string
  /** `null` while it is parked. */
  readonly link: LinkId | null
  readonly moves: number
}

/** Where a pool is. */
export interface PoolState {
  /** `open` also before {@link Pool.start}. */
  readonly phase: 'open' | 'draining' | 'closed'
  readonly links: readonly PooledLink[]
  /** Slots without a link: dialing or handshaking; about to dial again; never to dial again. */
  readonly slots: { readonly opening: number; readonly waiting: number; readonly failed: number }
  /** Bindings that wait for a link. */
  readonly parked: number
}

/** The links of several lifecycles, and the sessions that are bound to them. */
export interface Pool<S, P extends LinkProtocol> extends AsyncDisposable {
  readonly state: PoolState
  /** Replays the current snapshot, never errors, completes once closed. */
  readonly state$: Observable<PoolState>
  /** A report for each link that is gone. Hot; completes once closed. */
  readonly moves$: Observable<MoveReport>
  /** Begins to dial; a started pool holds the process. Again, or after the end, does nothing. */
  start(): void
  /**
   * Places a session on the least loaded ready link, or parks it. Refused, with the reason in {@link End.code}, it has
   * never been bound, and the mover hears nothing of it.
   *
   * In the middle of a step, as in a hook of the mover, the answer is not known yet: it is then a binding that is
   * parked, and placed, or released, after the step.
   */
  bind(session: S): Binding<S, P> | { readonly refused: End }
  /**
   * Planned: nothing more is placed on this link, who can move does so as soon as another link is ready, the rest as
   * they get movable, and who is left after `within` is cut or parked. Then the link's lifecycle drains, and a
   * replacement takes its place if there would be fewer than {@link PoolSize.min}. Asked again, the earlier deadline
   * holds. A link that the pool does not know is gone, and reported as such at once.
   *
   * @returns when nothing is bound to the link any more
   */
  retire(link: LinkId, o: { readonly within: Millis }): Promise<MoveReport>
  /**
   * Make before break: opens a replacement and, when that is ready, retires this link as {@link Pool.retire} does, with
   * `within` counted from then. Until then sessions stay where they are, and newcomers are placed on it only if no
   * other link is ready. Should the replacement never be ready, the link stays for as long as it lasts. Of several,
   * one goes for each that comes.
   *
   * @returns when nothing is bound to the link any more
   *
   * @example
   * ```ts ignore
   * // The peer closes connections after 30 seconds or more.
   * protocol: (scope) => {
   *   scope.after(25_000, () => void upstreams.replace(scope.link.id, { within: 30_000 }))
   *   return new Upstream(scope)
   * }
   * ```
   */
  replace(link: LinkId, o: { readonly within: Millis }): Promise<MoveReport>
  /**
   * Refuses sessions, lets those there are come to an end of their own within `within`
   * (by default {@link LinkOptions.drainWithin} of the slots), releases the rest as `drained`, and closes. Links are
   * drained in what is left of the time.
   */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Releases every binding and ends every link, at once. */
  close(why?: Partial<End>): void
}
