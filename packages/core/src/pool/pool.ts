import type { Observable } from 'rxjs'
import { wait } from '../budget.js'
import { type End, end, type LinkId, type Millis } from '../end.js'
import { announce } from '../env/noun-record.js'
import type { Timer } from '../env/types.js'
import { GateInterpreter } from '../gate/gate.js'
import type { DrainReport } from '../gate/types.js'
import { Interpreter, type Step } from '../interpreter.js'
import { defaultDrainWithin } from '../link/options.js'
import type { LinkProtocol } from '../link/types.js'
import { Snapshots } from '../snapshots.js'
import { endOf, HeldBinding } from './binding.js'
import { Bindings } from './bindings.js'
import { checkOptions } from './check-options.js'
import { Departures, nothingMoved } from './departures.js'
import { emptyPool, poolDeadline, poolStep } from './machine.js'
import type { BindingId, PoolEffect, PoolEvent, PoolMachine, PoolRules, SlotId } from './model.js'
import type { SlotNews } from './slot.js'
import { Slots } from './slots.js'
import type { Binding, MoveReport, Pool, PooledBinding, PooledLink, PoolOptions, PoolState } from './types.js'

/** How often those who could not leave a retiring link are asked again: nothing says when they can. */
const askAgainEveryMs = 50

/**
 * Makes a {@link Pool}; it is idle until started.
 *
 * @throws an `OptionError` that names the first option that cannot be used; those of `slot` are named as in
 *   {@link LifecycleOptions}
 *
 * @example
 * ```ts
 * import { type LinkProtocol, type LinkScope, pool } from '@holdfast/core'
 * import { ScriptedDialer, testEnv } from '@holdfast/core/testing'
 *
 * class Upstream implements LinkProtocol {
 *   readonly scope: LinkScope
 *   constructor(scope: LinkScope) {
 *     this.scope = scope
 *     scope.ready()
 *   }
 *   data(): void {
 *     // Answers for the clients on this link.
 *   }
 * }
 * interface Client {
 *   readonly name: string
 *   mark: number
 * }
 *
 * const env = testEnv()
 * const dialer = new ScriptedDialer(env.clock, [{ openAfter: 5 }])
 * const told: string[] = []
 * const upstreams = pool<Client, Upstream>({
 *   env,
 *   size: { min: 1, max: 1 },
 *   park: { within: 3000, max: 10_000 },
 *   slot: {
 *     env,
 *     dialer,
 *     endpoints: [{ uri: 'tcp://upstream.example:443' }],
 *     protocol: (scope) => new Upstream(scope),
 *   },
 *   mover: {
 *     movable: ({ mark }, { scope: { link } }) => (link.accepted - link.unflushed >= mark ? true : 'mid-send'),
 *     attach: ({ name }) => told.push(`${name} on`),
 *     detach: ({ name }) => told.push(`${name} off`),
 *     released: ({ name }, why) => told.push(`${name}: ${why.code}`),
 *   },
 * })
 * upstreams.start()
 *
 * const binding = upstreams.bind({ name: 'ann', mark: 0 })
 * if ('refused' in binding) throw new Error(binding.refused.detail)
 * binding.state // => 'parked'
 * env.clock.advance(5)
 * binding.state // => 'bound'
 *
 * dialer.last.closeByPeer()
 * binding.state // => 'parked'
 * env.clock.advance(2000)
 * binding.moves // => 1
 *
 * binding.release()
 * told // => ['ann on', 'ann off', 'ann on', 'ann off', 'ann: asked']
 * upstreams.close()
 * ```
 */
export function pool<S, P extends LinkProtocol>(options: PoolOptions<S, P>): Pool<S, P> {
  checkOptions(options)
  const made = new PoolShell(options)
  announce({ kind: 'pool', env: options.env, noun: made })
  return made
}

class PoolShell<S, P extends LinkProtocol>
  extends Interpreter<PoolMachine, PoolEvent, PoolEffect>
  implements Pool<S, P>
{
  readonly #options: PoolOptions<S, P>
  readonly #rules: PoolRules
  readonly #gate: GateInterpreter
  readonly #slots: Slots<P>
  readonly #bindings: Bindings<S, P>
  readonly #departures: Departures
  #nextBinding: BindingId = 1
  #isStarted = false
  #why: End | null = null
  #told: PoolMachine = emptyPool
  #shown: PoolState | null = null
  #states: Snapshots<PoolState> | null = null
  #deadline: { readonly at: Millis; readonly timer: Timer } | null = null
  #askAgain: Timer | null = null

  constructor(options: PoolOptions<S, P>) {
    super(emptyPool)
    const { env, slot, size, park } = options
    this.#options = options
    this.#gate = new GateInterpreter(env.clock)
    this.#slots = new Slots(env.clock, slot, (id, news) => this.#hear(id, news))
    this.#bindings = new Bindings(options)
    this.#departures = new Departures(env)
    this.#rules = { size, ...(park && { park }), movable: (binding) => this.#bindings.movable(binding) }
  }

  // What everybody sees ----------------------------------------------------------------------------------------

  get state(): PoolState {
    this.#shown ??= snapshotOf(this.#told)
    return this.#shown
  }

  get state$(): Observable<PoolState> {
    this.#states ??= new Snapshots(
      () => this.state,
      () => this.#isOver,
    )
    return this.#states.value$
  }

  get moves$(): Observable<MoveReport> {
    return this.#departures.moves$
  }

  /** For those who look on. */
  bindings(): Iterable<PooledBinding> {
    return this.#bindings
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.send({ kind: 'start', at: this.#now })
  }

  bind(session: S): Binding<S, P> | { readonly refused: End } {
    const id = this.#nextBinding
    this.#nextBinding += 1
    const label = this.#options.label?.(session) ?? String(id)
    const { phase } = this.machine
    if (phase === 'open' && !this.#isStarted) return { refused: endOf('no-link') }
    const ticket = this.#gate.enter(label)
    if (ticket === null) return { refused: endOf(phase === 'closed' ? 'closed' : 'draining') }
    const binding = new HeldBinding<S, P>(session, ticket, () => {
      this.#send({ kind: 'release', binding: id, at: this.#now })
    })
    this.#bindings.add(id, binding)
    // In the middle of a step that waits, and the binding is given before it has a place.
    this.#send({ kind: 'bind', binding: id, at: this.#now })
    if (binding.refusal !== null) return { refused: binding.refusal }
    binding.isGiven = true
    return binding
  }

  retire(link: LinkId, { within }: { readonly within: Millis }): Promise<MoveReport> {
    const at = this.#now
    return this.#gone(link, { kind: 'retire', link, deadline: at + wait(within), at })
  }

  replace(link: LinkId, { within }: { readonly within: Millis }): Promise<MoveReport> {
    return this.#gone(link, { kind: 'replace', link, within: wait(within), at: this.#now })
  }

  /** Sends what makes a link go, and tells what became of it. */
  #gone(link: LinkId, event: PoolEvent): Promise<MoveReport> {
    if (this.#slots.link(link) === undefined) return Promise.resolve(nothingMoved(link))
    const told = this.#departures.of(link)
    this.#send(event)
    return told
  }

  async drain(o: { readonly within?: Millis } = {}): Promise<DrainReport> {
    const { env, slot } = this.#options
    const within = wait(o.within ?? slot.drainWithin ?? defaultDrainWithin)
    const began = this.#now
    const by = this.#slots.endBy(began + within)
    this.send({ kind: 'drain', at: began })
    const report = await this.#gate.drain({ within: by - this.#now })
    this.#why ??= end('drained', { advice: { kind: 'never' }, code: 'closed' })
    this.send({ kind: 'close', at: this.#now })
    await this.#slots.left(this.#why)
    return { ...report, took: env.clock.now() - began }
  }

  close(why: Partial<End> = {}): void {
    this.#why ??= { ...endOf('closed'), ...why }
    this.#slots.endBy(-Infinity)
    // First, so that a drain under way reports as cut who is released by this.
    this.#gate.cut()
    this.send({ kind: 'close', at: this.#now })
    this.#slots.cut(this.#why)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  // The machine at work ----------------------------------------------------------------------------------------

  protected step(state: PoolMachine, event: PoolEvent): Step<PoolMachine, PoolEffect> {
    return poolStep(state, event, this.#rules)
  }

  protected perform(effect: PoolEffect): void {
    switch (effect.kind) {
      case 'open':
        this.#slots.open(effect.slot)
        return
      case 'close':
        this.#close(effect.slot)
        return
      case 'attach':
        this.#attach(effect.binding, effect.to)
        return
      case 'detach':
        this.#bindings.detach(effect.binding)
        return
      case 'release':
        this.#bindings.release(effect.binding, effect.why, this.#why)
        return
      case 'refuse':
        this.#bindings.refuse(effect.binding, effect.why)
        return
      case 'retired':
        this.#slots.forget(effect.link)
        this.#departures.add(effect)
    }
  }

  protected publish(before: PoolMachine): void {
    this.#told = this.machine
    this.#shown = null
    this.#arm()
    this.#watch()
    if (before.phase !== this.machine.phase) this.#moved(before)
    if (this.#states?.isWatched === true) this.#states.next(this.state)
    this.#departures.tell(this.#bindings.cut)
    this.#bindings.cut.clear()
    if (!this.#isOver) return
    this.#states?.complete()
    this.#departures.complete()
  }

  /** Sends an event, and before it what nobody has said yet: that a link goes. */
  #send(event: PoolEvent): void {
    this.#notice()
    this.send(event)
  }

  #notice(): void {
    const slots = this.#slots.going()
    if (slots.length > 0) this.send({ kind: 'draining', slots, at: this.#now })
  }

  #hear(slot: SlotId, news: SlotNews): void {
    const at = this.#now
    this.#send(news.kind === 'draining' ? { ...news, slots: [slot], at } : { ...news, slot, at })
  }

  #close(slot: SlotId): void {
    const unused = this.#slots.close(slot, this.#why)
    if (unused !== null) this.#departures.unused(unused)
  }

  #attach(id: BindingId, to: LinkId): void {
    const link = this.#slots.link(to)
    if (link === undefined) return
    if (link.scope.link.phase === 'open') this.#bindings.attach(id, link)
    // It has ended since the step began, perhaps by what was attached before; the next step finds another.
    else this.#notice()
  }

  // Time, and what is told ---------------------------------------------------------------------------------------

  #arm(): void {
    const at = poolDeadline(this.machine)
    if (at === (this.#deadline?.at ?? null)) return
    this.#deadline?.timer.cancel()
    this.#deadline = null
    if (at === null) return
    const timer = this.#options.env.clock.after(at - this.#now, () => {
      this.#deadline = null
      // Hosts' timers may be a fraction of a millisecond early.
      this.#send({ kind: 'tick', at: Math.max(this.#now, at) })
    })
    this.#deadline = { at, timer }
  }

  /** While anybody is left on a retiring link. */
  #watch(): void {
    const retiring: SlotId[] = []
    this.machine.slots.forEach((slot, id) => {
      if (slot.phase === 'retiring' && slot.bound.size > 0) retiring.push(id)
    })
    if (retiring.length === 0) {
      this.#askAgain?.cancel()
      this.#askAgain = null
      return
    }
    this.#askAgain ??= this.#options.env.clock.after(askAgainEveryMs, () => {
      this.#askAgain = null
      for (const slot of retiring) this.#send({ kind: 'flushed', slot, at: this.#now })
      this.#watch()
    })
  }

  #moved(before: PoolMachine): void {
    const { env } = this.#options
    const { phase } = this.machine
    const record = { name: env.name, from: before.phase, to: phase, bindings: this.machine.bindings.size }
    env.log.info(record, `pool: ${before.phase} → ${phase}`)
    env.trace?.('drain', { kind: phase, ...record })
  }

  get #now(): Millis {
    return this.#options.env.clock.now()
  }

  get #isOver(): boolean {
    return this.#told.phase === 'closed'
  }
}

function snapshotOf({ phase, slots, parked }: PoolMachine): PoolState {
  const links: PooledLink[] = []
  const count = { opening: 0, waiting: 0, failed: 0 }
  slots.forEach((slot) => {
    if ('link' in slot) links.push({ id: slot.link, phase: slot.phase, bound: slot.bound.size })
    else count[slot.phase] += 1
  })
  return { phase, links, slots: count, parked: parked.size }
}
