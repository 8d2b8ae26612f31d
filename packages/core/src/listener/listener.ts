import { lastValueFrom, type Observable } from 'rxjs'
import { hasMethod, positive, wait } from '../budget.js'
import { type End, type EndKind, end, type LinkId, type Millis } from '../end.js'
import { announce } from '../env/noun-record.js'
import type { Timer } from '../env/types.js'
import { OptionError } from '../errors.js'
import type { DrainReport } from '../gate/types.js'
import { Interpreter, type Step } from '../interpreter.js'
import { type LinkOwner, LinkRun } from '../link/link-run.js'
import { checkLinkOptions, defaultDrainWithin, defaultHandshakeWithin } from '../link/options.js'
import type { Accepting, Endpoint, Link, LinkProtocol, LinkSink } from '../link/types.js'
import { Snapshots } from '../snapshots.js'
import { type ListenerEffect, type ListenerEvent, listenerStep, listening } from './machine.js'
import type { Listener, ListenerOptions, ListenerState } from './types.js'

/**
 * Binds an address and serves every link that comes in, within limits.
 *
 * @throws an `OptionError` that names the first option that cannot be used; a `HoldfastError` `HF_LISTEN_FAILED`
 *   when the address cannot be bound
 */
export async function listen<P extends LinkProtocol>(options: ListenerOptions<P>): Promise<Listener<P>> {
  checkLinkOptions(options)
  const { acceptor, at, limits } = options as Partial<ListenerOptions<P>>
  hasMethod('acceptor.accept', acceptor)
  if (typeof at?.uri !== 'string') throw new OptionError('at', 'an endpoint with a uri', at)
  positive('limits.links', limits?.links)
  positive('limits.handshaking', limits?.handshaking)
  if (limits?.perAddress !== undefined) positive('limits.perAddress', limits.perAddress)
  const listener = new ListenerInterpreter(options)
  await listener.bind()
  announce({ kind: 'listener', env: options.env, noun: listener })
  return listener
}

/** A link that has not ended. */
interface Held {
  readonly from: string
  handshake: Timer | null
}

/** How links end that have done what they were for. */
const ordinaryEnds: ReadonlySet<EndKind> = new Set([
  'closed-by-peer',
  'closed-by-us',
  'drained',
  'drained-by-peer',
  // How many programs hang up.
  'reset-by-peer',
])
const drainEnd = end('drained', { advice: { kind: 'never' } })
const nothingDrained: DrainReport = { finished: 0, cut: [], took: 0, timedOut: false }

class ListenerInterpreter<P extends LinkProtocol>
  extends Interpreter<ListenerState, ListenerEvent, ListenerEffect>
  implements Listener<P>, LinkOwner<P>
{
  readonly options: ListenerOptions<P>
  endpoint: Endpoint
  readonly links = new Map<LinkId, P>()
  readonly #held = new Map<LinkRun<P>, Held>()
  readonly #fromAddress = new Map<string, number>()
  #accepting: Accepting | null = null
  #unbinding: Promise<void> | undefined
  /** The peer that is being decided on. */
  #incoming: { readonly take: (sink: LinkSink) => Link; readonly from: string } | null = null
  #states: Snapshots<ListenerState> | null = null
  #deadline: { readonly at: Millis; readonly timer: Timer } | null = null
  #isTimedOut = false
  #told: ListenerState = listening
  readonly #reports: Promise<DrainReport>[] = []
  #why: End = drainEnd

  constructor(options: ListenerOptions<P>) {
    super(listening)
    this.options = options
    this.endpoint = options.at
  }

  async bind(): Promise<void> {
    const { acceptor, at, env } = this.options
    this.#accepting = await acceptor.accept(at, {
      incoming: (take, remote) => this.#decide(take, remote),
      failed: (cause) => {
        env.log.error({ name: env.name, err: cause }, 'accepting broke down')
        this.close({ cause, detail: String(cause) })
      },
    })
    this.endpoint = this.#accepting.endpoint
    if (this.machine.phase === 'closed') this.#unbind()
  }

  get state(): ListenerState {
    return this.#told
  }

  get state$(): Observable<ListenerState> {
    this.#states ??= new Snapshots(
      () => this.#told,
      () => this.#told.phase === 'closed',
    )
    return this.#states.value$
  }

  async drain(o: { readonly within?: Millis } = {}): Promise<DrainReport> {
    const { env, drainWithin = defaultDrainWithin } = this.options
    const began = env.clock.now()
    const at = began + wait(o.within ?? drainWithin)
    if (this.machine.phase !== 'closed' && at < (this.#deadline?.at ?? Infinity)) {
      this.#deadline?.timer.cancel()
      const timer = env.clock.after(at - began, () => {
        this.#isTimedOut = true
        this.send({ kind: 'deadline' })
      })
      this.#deadline = { at, timer }
    }
    this.send({ kind: 'drain' })
    await lastValueFrom(this.state$, { defaultValue: null })
    const sum = (await Promise.all(this.#reports)).reduce(
      (a, b) => ({ ...a, finished: a.finished + b.finished, cut: [...a.cut, ...b.cut] }),
      nothingDrained,
    )
    return { ...sum, took: env.clock.now() - began, timedOut: this.#isTimedOut }
  }

  close(why: Partial<End> = {}): void {
    this.#why = end('closed-by-us', { advice: { kind: 'never' }, ...why })
    this.send({ kind: 'close' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#unbinding
  }

  // What a run tells -------------------------------------------------------------------------------------------

  opened(run: LinkRun<P>): void {
    const { env, handshakeWithin: within = defaultHandshakeWithin } = this.options
    const held = this.#held.get(run)
    if (within === Infinity || held === undefined) return
    held.handshake = env.clock.after(within, () => {
      run.fail(end('handshake-timeout', { detail: `not ready within ${within} ms` }))
    })
  }

  ready(run: LinkRun<P>): void {
    const held = this.#held.get(run)
    held?.handshake?.cancel()
    // There may be very many, and each would keep a dead timer.
    if (held !== undefined) held.handshake = null
    if (run.protocol !== null) this.links.set(run.id, run.protocol)
    this.send({ kind: 'ready' })
  }

  peerDrains(run: LinkRun<P>, within: Millis): void {
    void this.#retire(run, within, end('drained-by-peer'))
  }

  probed(run: LinkRun<P>): void {
    const { env } = this.options
    env.trace?.('link', { kind: 'probed', name: env.name, link: run.id })
  }

  ended(run: LinkRun<P>, why: End): void {
    const { env } = this.options
    const held = this.#held.get(run)
    if (held === undefined) return
    held.handshake?.cancel()
    this.#held.delete(run)
    this.#count(held.from, -1)
    // There may be thousands a second; only what is out of the ordinary is worth a line of each log.
    const level = ordinaryEnds.has(why.kind) ? 'debug' : 'info'
    env.log[level]({ name: env.name, link: why.link, from: held.from, why }, `link ended: ${why.kind}`)
    this.send({ kind: 'ended', wasReady: why.link !== undefined && this.links.delete(why.link) })
  }

  // The machine at work ----------------------------------------------------------------------------------------

  protected step(state: ListenerState, event: ListenerEvent): Step<ListenerState, ListenerEffect> {
    return listenerStep(state, event, this.options.limits)
  }

  protected perform(effect: ListenerEffect): void {
    switch (effect.kind) {
      case 'take':
        this.#take()
        return
      case 'refuse':
        this.#incoming = null
        return
      case 'unbind':
        this.#unbind()
        return
      case 'retire-all': {
        const within = (this.#deadline?.at ?? Infinity) - this.options.env.clock.now()
        for (const run of [...this.#held.keys()]) this.#reports.push(this.#retire(run, within, drainEnd))
        return
      }
      case 'destroy-all':
        for (const run of [...this.#held.keys()]) run.fail(this.#why)
    }
  }

  protected publish(before: ListenerState): void {
    const { env } = this.options
    const { phase } = this.machine
    if (phase !== before.phase) {
      env.log.info({ name: env.name, from: before.phase, to: phase }, `listener: ${before.phase} → ${phase}`)
      env.trace?.('link', { kind: 'listener', name: env.name, from: before.phase, to: phase })
    }
    this.#told = this.machine
    this.#states?.next(this.machine)
    if (phase !== 'closed') return
    this.#deadline?.timer.cancel()
    this.#states?.complete()
  }

  #unbind(): void {
    const { env } = this.options
    this.#unbinding ??= this.#accepting?.close().catch((cause: unknown) => {
      env.log.error({ name: env.name, err: cause }, 'the address could not be given back')
    })
  }

  #decide(take: (sink: LinkSink) => Link, remote: Endpoint): void {
    // The answer is due now, and a listener in the middle of a step cannot give one: the peer is refused.
    if (this.running) return
    const from = addressOf(remote)
    this.#incoming = { take, from }
    this.send({ kind: 'incoming', fromSameAddress: this.#fromAddress.get(from) ?? 0 })
    this.#incoming = null
  }

  #take(): void {
    const incoming = this.#incoming
    if (incoming === null) return
    const run = new LinkRun<P>(this, 0)
    this.#held.set(run, { from: incoming.from, handshake: null })
    this.#count(incoming.from, 1)
    try {
      run.connect(incoming.take)
      run.begin()
    } catch (thrown) {
      run.fail(end('dial-failed', { cause: thrown, detail: String(thrown) }))
    }
  }

  async #retire(run: LinkRun<P>, within: Millis, why: End): Promise<DrainReport> {
    run.retire(this.options.env.clock.now() + within)
    const report = await run.drainGate(within)
    run.endGracefully(why)
    return report
  }

  #count(from: string, by: number): void {
    const count = (this.#fromAddress.get(from) ?? 0) + by
    if (count === 0) this.#fromAddress.delete(from)
    else this.#fromAddress.set(from, count)
  }
}

/** Links are counted by host: the port differs with each. */
function addressOf({ uri, address }: Endpoint): string {
  return typeof address === 'string' ? address : uri.replace(/:\d+(\/.*)?$/, '')
}
