import { wait } from '../budget.js'
import type { End, LinkId, Millis, Off } from '../end.js'
import { end } from '../end.js'
import type { Timer } from '../env/types.js'
import { GateInterpreter } from '../gate/gate.js'
import type { DrainReport, Gate } from '../gate/types.js'
import { asError } from './as-error.js'
import { KeepaliveWatch } from './keepalive.js'
import { LinkTimers } from './link-timers.js'
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

/**
 * One generation of a connection at work: what the transport calls (its sink), what the protocol holds (its
 * scope), and the guard between them. When the link ends, or its owner says so, everything here goes inert in
 * one step (I2).
 */
export class LinkRun<P extends LinkProtocol> implements LinkSink, LinkScope {
  readonly #owner: LinkOwner<P>
  #transport: Link | null = null
  #isOpen = false
  #early: (() => void)[] | null = null
  #isReady = false
  /** Who hears what arrives: the protocol's object, while there is anything to hear. */
  #hearer: P | null = null
  #isRetired = false
  #isClosing = false
  #gate: GateInterpreter | null = null
  #keepalive: KeepaliveWatch | null = null
  #deferred: ((why: End) => void)[] | null = null
  #timers: LinkTimers | null = null
  #fullTimer: Timer | null = null
  #abort: AbortController | null = null
  /** Made when the link opens. */
  protocol: P | null = null
  /** Why it ended, once it has. */
  over: End | null = null
  /** The transport's link as the protocol sees it; there from {@link LinkRun.connect} on. */
  link!: ScopedLink
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
    const transport = take(this)
    this.#transport = transport
    this.link = new ScopedLink(transport, this, (this.#owner.options.outbound ?? defaultOutbound).bytes)
    return transport
  }

  /** From here on what the transport says is acted upon. */
  begin(): void {
    // What is said meanwhile joins the queue, and the loop finds it there.
    for (const each of this.#early ?? []) each()
    this.#early = null
    if (this.over === null && !this.#isClosing) this.#hearer = this.protocol
  }

  // What the transport says ------------------------------------------------------------------------------------

  opened(): void {
    if (this.#early === null) this.#opened()
    else this.#early.push(() => this.#opened())
  }

  #opened(): void {
    const { over } = this
    if (over !== null) this.#isolated(() => this.#transport?.destroy(over))
    else if (!this.#isOpen) this.#open()
  }

  #open(): void {
    this.#isOpen = true
    const { options } = this.#owner
    this.#owner.opened(this)
    if (this.over !== null) return
    if (options.keepalive !== undefined) {
      this.#keepalive = new KeepaliveWatch(options.env, options.keepalive, this)
    }
    // A transport in the same process may answer what is written before the protocol's object is there to hear it.
    const isOutermost = this.#early === null
    this.#early ??= []
    try {
      this.protocol = options.protocol(this)
    } catch (thrown) {
      this.#threw(thrown)
    }
    this.#tellReady()
    if (isOutermost) this.begin()
  }

  data(chunk: Uint8Array): void {
    const hearer = this.#hearer
    if (hearer === null) {
      this.#keep('data', chunk)
      return
    }
    this.heardSinceSweep = true
    try {
      const returned: unknown = hearer.data?.(chunk)
      if (returned !== undefined) this.#mayReject(returned)
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  message(message: Uint8Array | string): void {
    if (this.#hearer === null) this.#keep('message', message)
    else this.#tell('message', message)
  }

  datagram(chunk: Uint8Array): void {
    if (this.#hearer === null) this.#keep('datagram', chunk)
    else this.#tell('datagram', chunk)
  }

  /** Nobody hears it: what comes early is lent like everything that arrives, so a copy waits; the rest is late. */
  #keep(slot: 'data' | 'message' | 'datagram', lent: Uint8Array | string): void {
    if (this.#early === null) return
    const kept = typeof lent === 'string' ? lent : new Uint8Array(lent)
    this.#early.push(() => this.#tell(slot, kept))
  }

  #tell(slot: 'data' | 'message' | 'datagram', what: Uint8Array | string): void {
    if (this.#isClosing) return
    this.heardSinceSweep = true
    this.#call(() => this.protocol?.[slot]?.(what as Uint8Array))
  }

  heard(): void {
    this.heardSinceSweep = true
  }

  writable(): void {
    if (this.#early === null) this.#writable()
    else this.#early.push(() => this.#writable())
  }

  #writable(): void {
    this.#fullTimer?.cancel()
    this.#fullTimer = null
    const { protocol } = this
    if (protocol?.writable !== undefined) this.#call(() => protocol.writable?.())
  }

  finished(): boolean {
    try {
      return this.#hearer?.finished?.() === true && this.over === null
    } catch (thrown) {
      this.#threw(thrown)
      return false
    }
  }

  ended(why: End): void {
    if (this.#early === null) this.fail(this.#explained(why))
    else this.#early.push(() => this.fail(this.#explained(why)))
  }

  #explained(why: End): End {
    const { protocol } = this
    let words: string | undefined
    if (this.over === null && protocol?.explain !== undefined)
      this.#isolated(() => (words = protocol.explain?.()))
    if (words === undefined) return why
    return { ...why, detail: why.detail === undefined ? words : `${words}; ${why.detail}` }
  }

  // What the protocol may do -----------------------------------------------------------------------------------

  get id(): LinkId {
    return this.link.id
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
    this.#tellReady()
  }

  /** While the protocol's object is being made there is nothing yet to be ready. */
  #tellReady(): void {
    if (this.#isReady && this.over === null && this.protocol !== null) this.#owner.ready(this)
  }

  armKeepalive(): void {
    this.#keepalive?.arm()
  }

  peerDrains(within: Millis): void {
    if (this.over === null) this.#owner.peerDrains(this, wait(within))
  }

  after(ms: Millis, fn: () => void): Timer {
    return this.#ownTimers().after(ms, () => this.#call(fn))
  }

  sweep(ms: Millis, fn: () => void): Timer {
    return this.#ownTimers().sweep(ms, () => this.#call(fn))
  }

  guard<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void {
    return (...args) => this.#call(() => fn(...args))
  }

  defer(fn: (why: End) => void): Off {
    const { over } = this
    if (over === null) (this.#deferred ??= []).push(fn)
    else this.#isolated(() => fn(over))
    return () => {
      const at = this.#deferred?.lastIndexOf(fn) ?? -1
      if (at >= 0) this.#deferred?.splice(at, 1)
    }
  }

  // What the owner and the guard may do ------------------------------------------------------------------------

  /** Ends the link at once; the first reason given is the one that holds. */
  fail(why: End): void {
    if (this.over !== null) return
    const transport = this.#transport
    const { kind, advice, code, detail, cause } = why
    const over: End = { kind, advice, code, detail, cause, link: transport?.id }
    this.over = over
    this.#hearer = null
    this.#keepalive?.stop()
    this.#fullTimer?.cancel()
    this.#timers?.cancel()
    this.#farewell(over)
    this.#isolated(() => transport?.destroy(over))
    this.#gate?.cut()
    const deferred = this.#deferred
    this.#deferred = null
    for (const fn of deferred?.reverse() ?? []) this.#isolated(() => fn(over))
    this.#abort?.abort(asError(over))
    const { protocol } = this
    if (protocol?.ended !== undefined) this.#isolated(() => protocol.ended?.(over))
    const { env } = this.#owner.options
    env.trace?.('link', { kind: 'ended', name: env.name, link: transport?.id, why: over })
    this.#owner.ended(this, over)
  }

  #farewell(why: End): void {
    const { protocol } = this
    const transport = this.#transport
    if (protocol?.farewell === undefined || transport?.phase !== 'open') return
    this.#isolated(() => {
      const words = protocol.farewell?.(why)
      if (words !== undefined) transport.write(words)
    })
  }

  /** Flushes what was accepted, reads nothing more, then ends. */
  endGracefully(why: End): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#hearer = null
    this.#call(() => this.#transport?.end(why))
  }

  /** Draining begins: the protocol says goodbye, once. */
  retire(deadline: Millis): void {
    if (this.#isRetired) return
    this.#isRetired = true
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
    if (protocol === null || this.#isClosing) return
    this.#owner.probed(this)
    this.#call(() => (protocol.probe === undefined ? this.link.ping() : protocol.probe()))
  }

  get isPaused(): boolean {
    return this.link.isPaused
  }

  silent(kind: 'silent' | 'suspect-after-sleep'): void {
    const asked = this.protocol?.probe !== undefined || this.#transport?.ping !== undefined
    const hint = asked ? '' : '; nothing was asked either, for the protocol has no probe()'
    const within = this.#owner.options.keepalive?.hearWithin
    this.fail(end(kind, { detail: `nothing heard within ${within} ms${hint}` }))
  }

  #ownTimers(): LinkTimers {
    this.#timers ??= new LinkTimers(this.#owner.options.env.clock)
    if (this.over !== null) this.#timers.cancel()
    return this.#timers
  }

  #call(fn: () => unknown): void {
    if (this.over !== null) return
    try {
      const returned: unknown = fn()
      if (returned !== undefined) this.#mayReject(returned)
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  /** TypeScript lets a hook be asynchronous. Nobody awaits it, but what it throws harms its own link alone, as elsewhere (I10). */
  #mayReject(returned: unknown): void {
    if (returned instanceof Promise) returned.catch((thrown: unknown) => this.#threw(thrown))
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
