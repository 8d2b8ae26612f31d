import type { End, LinkId, Millis } from '../end.js'
import { end } from '../end.js'
import type { Clock, Timer } from '../env/types.js'
import { HoldfastError } from '../errors.js'
import { GateInterpreter } from '../gate/gate.js'
import type { DrainReport, Gate } from '../gate/types.js'
import { KeepaliveWatch } from './keepalive.js'
import { defaultOutbound, type LinkOptions } from './options.js'
import { ScopedLink } from './scoped-link.js'
import type { Endpoint, Link, LinkProtocol, LinkScope, LinkSink } from './types.js'

/** Who runs links: a lifecycle or a listener. Told of each step of a run, never after its end. */
export interface LinkOwner<P extends LinkProtocol> {
  readonly options: LinkOptions<P>
  opened(run: LinkRun<P>): void
  ready(run: LinkRun<P>): void
  peerDrains(run: LinkRun<P>, within: Millis): void
  probed(run: LinkRun<P>): void
  /** Exactly once. */
  ended(run: LinkRun<P>, why: End): void
}

type Early = 'opened' | End

/**
 * One generation of a connection at work: what the transport calls (its sink), what the protocol holds (its
 * scope), and the guard between them. When the link ends, or its owner says so, everything here goes inert in
 * one step (I2).
 */
export class LinkRun<P extends LinkProtocol> implements LinkSink, LinkScope {
  readonly #owner: LinkOwner<P>
  #transport: Link | null = null
  #scoped: Link | null = null
  #early: Early[] | null = null
  #isReady = false
  #closing = false
  #gate: GateInterpreter | null = null
  #keepalive: KeepaliveWatch | null = null
  #deferred: Array<(why: End) => void> | null = null
  #timers: Set<Timer> | null = null
  #fullTimer: Timer | null = null
  #abort: AbortController | null = null
  /** Made when the link opens. */
  protocol: P | null = null
  /** Why it ended, once it has. */
  over: End | null = null
  heardSinceSweep = false
  /** Which dial or adoption of its owner this is. */
  readonly generation: number

  constructor(owner: LinkOwner<P>, generation: number) {
    this.#owner = owner
    this.generation = generation
  }

  /** Makes the transport's link. What it says before it has returned is heard afterwards, in {@link LinkRun.begin}. */
  connect(take: (sink: LinkSink) => Link): Link {
    this.#early = []
    this.#transport = take(this)
    return this.#transport
  }

  /** From here on what the transport says is acted upon. */
  begin(): void {
    const early = this.#early
    this.#early = null
    for (const each of early ?? []) {
      if (each === 'opened') this.opened()
      else this.ended(each)
    }
  }

  // What the transport says ------------------------------------------------------------------------------------

  opened(): void {
    if (this.#early !== null) this.#early.push('opened')
    else if (this.over !== null) this.#transport?.destroy(this.over)
    else if (this.protocol === null) this.#open()
  }

  #open(): void {
    const { options } = this.#owner
    const transport = this.#transport as Link
    this.#scoped = new ScopedLink(transport, this, (options.outbound ?? defaultOutbound).bytes)
    this.#owner.opened(this)
    if (this.over !== null) return
    if (options.keepalive !== undefined) {
      this.#keepalive = new KeepaliveWatch(options.env, options.keepalive, this)
    }
    try {
      this.protocol = options.protocol(this)
    } catch (thrown) {
      this.#threw(thrown)
    }
    if (this.#isReady && this.over === null) this.#owner.ready(this)
  }

  data(chunk: Uint8Array): void {
    if (this.over !== null || this.#closing || this.protocol === null) return
    this.heardSinceSweep = true
    try {
      this.protocol.data?.(chunk)
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  message(message: Uint8Array | string): void {
    if (this.over !== null || this.#closing || this.protocol === null) return
    this.heardSinceSweep = true
    try {
      this.protocol.message?.(message)
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  datagram(chunk: Uint8Array): void {
    if (this.over !== null || this.#closing || this.protocol === null) return
    this.heardSinceSweep = true
    try {
      this.protocol.datagram?.(chunk)
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  heard(): void {
    this.heardSinceSweep = true
  }

  writable(): void {
    this.#fullTimer?.cancel()
    this.#fullTimer = null
    const { protocol } = this
    if (protocol?.writable !== undefined) this.#call(() => protocol.writable?.())
  }

  ended(why: End): void {
    if (this.#early !== null) this.#early.push(why)
    else this.fail(why)
  }

  // What the protocol may do -----------------------------------------------------------------------------------

  get link(): Link {
    return this.#scoped ?? (this.#transport as Link)
  }

  get id(): LinkId {
    return (this.#transport as Link).id
  }

  get endpoint(): Endpoint {
    return this.link.endpoint
  }

  get gate(): Gate {
    return this.#openGate()
  }

  /** Work in flight, without making a gate for it. */
  get inFlight(): number {
    return this.#gate?.inFlight ?? 0
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.over !== null) this.#abort.abort(asError(this.over))
    return this.#abort.signal
  }

  ready(): void {
    if (this.over !== null || this.#isReady) return
    this.#isReady = true
    // While the protocol's object is being made there is nothing yet to be ready.
    if (this.protocol !== null) this.#owner.ready(this)
  }

  armKeepalive(): void {
    this.#keepalive?.arm()
  }

  peerDrains(within: Millis): void {
    if (this.over === null) this.#owner.peerDrains(this, within)
  }

  after(ms: Millis, fn: () => void): Timer {
    const timer: Timer = this.#own((clock) =>
      clock.after(ms, () => {
        this.#timers?.delete(timer)
        this.#call(fn)
      }),
    )
    return timer
  }

  sweep(ms: Millis, fn: () => void): Timer {
    return this.#own((clock) => clock.sweep(ms, () => this.#call(fn)))
  }

  guard<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void {
    return (...args) => this.#call(() => fn(...args))
  }

  defer(fn: (why: End) => void): void {
    if (this.over !== null) this.#isolated(() => fn(this.over as End))
    else (this.#deferred ??= []).push(fn)
  }

  // What the owner and the guard may do ------------------------------------------------------------------------

  /** Ends the link at once; the first reason given is the one that holds. */
  fail(why: End): void {
    if (this.over !== null) return
    const transport = this.#transport
    const over: End = transport === null ? why : { ...why, link: transport.id }
    this.over = over
    this.#keepalive?.stop()
    this.#fullTimer?.cancel()
    const timers = this.#timers
    this.#timers = null
    for (const timer of timers ?? []) timer.cancel()
    this.#gate?.cut()
    for (const fn of (this.#deferred ?? []).reverse()) this.#isolated(() => fn(over))
    this.#deferred = null
    this.#abort?.abort(asError(over))
    transport?.destroy(over)
    const { protocol } = this
    if (protocol?.ended !== undefined) this.#isolated(() => protocol.ended?.(over))
    this.#owner.options.env.trace?.('link', { kind: 'ended', link: transport?.id, why: over })
    this.#owner.ended(this, over)
  }

  /** Flushes what was accepted, reads nothing more, then ends. */
  endGracefully(why: End): void {
    if (this.over !== null || this.#closing) return
    this.#closing = true
    this.#transport?.end(why)
  }

  /** Draining begins: the protocol says goodbye. */
  retire(deadline: Millis): void {
    const { protocol } = this
    if (protocol?.retire !== undefined) this.#call(() => protocol.retire?.(deadline))
  }

  /** Lets work in flight finish; `watch` is told how much is left. */
  drainGate(within: Millis, watch?: (inFlight: number) => void): Promise<DrainReport> {
    const gate = this.#openGate()
    if (watch !== undefined) gate.watch(watch)
    return gate.drain({ within })
  }

  #openGate(): GateInterpreter {
    this.#gate ??= new GateInterpreter(this.#owner.options.env.clock)
    if (this.over !== null) this.#gate.cut()
    return this.#gate
  }

  /** A write filled the transport's buffer; it has `outbound.age` to empty. */
  filled(): void {
    const { age } = this.#owner.options.outbound ?? defaultOutbound
    if (age === undefined || this.#fullTimer !== null) return
    this.#fullTimer = this.#owner.options.env.clock.after(age, () => {
      this.fail(end('overflow', { detail: `nothing flushed for ${age} ms` }))
    })
  }

  probe(): void {
    const { protocol } = this
    if (protocol?.probe === undefined || this.#closing) return
    this.#owner.probed(this)
    this.#call(() => protocol.probe?.())
  }

  silent(kind: 'silent' | 'suspect-after-sleep'): void {
    this.fail(end(kind, { detail: `nothing heard within ${this.#owner.options.keepalive?.hearWithin} ms` }))
  }

  #own(start: (clock: Clock) => Timer): Timer {
    const inner = start(this.#owner.options.env.clock)
    const timer: Timer = {
      cancel: () => {
        this.#timers?.delete(timer)
        inner.cancel()
      },
      unref: () => {
        inner.unref()
        return timer
      },
    }
    if (this.over === null) (this.#timers ??= new Set()).add(timer)
    else inner.cancel()
    return timer
  }

  #call(fn: () => void): void {
    if (this.over !== null) return
    try {
      fn()
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  /** Runs what must not keep the rest of an ending from happening. */
  #isolated(fn: () => void): void {
    try {
      fn()
    } catch (thrown) {
      const { env } = this.#owner.options
      env.log.error({ name: env.name, err: thrown }, 'a hook threw while its link ended')
    }
  }

  #threw(thrown: unknown): void {
    this.fail(end('adapter-threw', { cause: thrown, detail: String(thrown) }))
  }
}

/** The error that says how a link ended. */
export function asError(why: End): HoldfastError {
  const code = why.code === undefined ? '' : ` (${why.code})`
  const detail = why.detail === undefined ? '' : `: ${why.detail}`
  return new HoldfastError('HF_LINK_ENDED', `${why.kind}${code}${detail}`, { end: why, cause: why.cause })
}
