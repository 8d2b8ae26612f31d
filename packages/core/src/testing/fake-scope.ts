import type { Clock, End, Endpoint, Gate, LinkScope, Millis, Off, Timer } from '../index.js'
import { end, gate } from '../index.js'
import { asError } from '../link/as-error.js'
import { LinkTimers } from '../link/link-timers.js'
import { FaultyLink, type FaultyLinkOptions } from './faulty-link.js'
import { VirtualClock } from './virtual-clock.js'

/** Options of {@link fakeScope}. */
export interface FakeScopeOptions extends FaultyLinkOptions {
  /** A clock of its own by default. */
  readonly clock?: Clock
  /** `memory:fake` by default. */
  readonly endpoint?: Endpoint
}

/**
 * The scope of an open link, without a lifecycle behind it: what a protocol, a cursor or a feed is given, in the
 * hands of a test.
 */
export class FakeScope implements LinkScope {
  readonly link: FaultyLink
  readonly gate: Gate
  /** How the link ended; `null` while it is open. */
  why: End | null = null
  isReady = false
  isArmed = false
  /** What was said by {@link LinkScope.peerDrains}. */
  drainsWithin: Millis | null = null
  readonly #deferred = new Set<(why: End) => void>()
  readonly #timers: LinkTimers
  #abort: AbortController | undefined

  constructor(options: FakeScopeOptions = {}) {
    const { clock = new VirtualClock() } = options
    this.#timers = new LinkTimers(clock)
    this.gate = gate({ clock })
    const nothing = (): void => undefined
    const sink = { opened: nothing, data: nothing, writable: nothing, ended: (why: End) => this.#ended(why) }
    this.link = new FaultyLink(options.endpoint ?? { uri: 'memory:fake' }, sink, options)
    this.link.open()
  }

  /** Where the link leads. */
  get endpoint(): Endpoint {
    return this.link.endpoint
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.why !== null) this.#abort.abort(asError(this.why))
    return this.#abort.signal
  }

  /** The link ends; closed by the peer unless a reason is given. */
  end(why: End = end('closed-by-peer')): void {
    this.link.fail(why)
  }

  ready(): void {
    this.isReady = true
  }

  fail(why: End): void {
    this.link.destroy(why)
  }

  armKeepalive(): void {
    this.isArmed = true
  }

  peerDrains(within: Millis): void {
    this.drainsWithin = within
  }

  /** Calls `fn` once, unless the link ends first. */
  after(ms: Millis, fn: () => void): Timer {
    return this.#timers.after(ms, this.guard(fn))
  }

  /** Calls `fn` every `ms`, until the link ends. */
  sweep(ms: Millis, fn: () => void): Timer {
    return this.#timers.sweep(ms, this.guard(fn))
  }

  guard<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.why === null) fn(...args)
    }
  }

  /** How many calls wait for the end. */
  get deferred(): number {
    return this.#deferred.size
  }

  defer(fn: (why: End) => void): Off {
    if (this.why === null) this.#deferred.add(fn)
    else fn(this.why)
    return () => void this.#deferred.delete(fn)
  }

  #ended(why: End): void {
    if (this.why !== null) return
    this.why = why
    this.#timers.cancel()
    const deferred = [...this.#deferred].reverse()
    this.#deferred.clear()
    for (const fn of deferred) fn(why)
    this.#abort?.abort(asError(why))
  }
}

/**
 * Makes the scope of a link that is open.
 *
 * @example
 * ```ts
 * import { fakeScope } from '@holdfast/core/testing'
 *
 * const scope = fakeScope()
 * scope.link.write('hello')
 * scope.link.written // => 'hello'
 * scope.end()
 * scope.why?.kind // => 'closed-by-peer'
 * ```
 */
export function fakeScope(options: FakeScopeOptions = {}): FakeScope {
  return new FakeScope(options)
}
