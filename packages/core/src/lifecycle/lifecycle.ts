import { lastValueFrom, type Observable, Subject } from 'rxjs'
import { wait } from '../budget.js'
import { type End, end, type Millis } from '../end.js'
import { announce } from '../env/noun-record.js'
import type { Timer } from '../env/types.js'
import type { DrainReport } from '../gate/types.js'
import { Interpreter, type Step } from '../interpreter.js'
import { type LinkOwner, LinkRun } from '../link/link-run.js'
import { defaultDrainWithin } from '../link/options.js'
import type { Endpoint, Link, LinkProtocol, LinkSink } from '../link/types.js'
import { Snapshots } from '../snapshots.js'
import { checkLifecycleOptions } from './check-options.js'
import { lifecycleStep } from './machine.js'
import { idleLifecycle, type LifecycleEffect, type LifecycleInput, type LifecycleMachine } from './model.js'
import { OptionRules } from './option-rules.js'
import type { Lifecycle, LifecycleEvent, LifecycleOptions, LifecycleState } from './types.js'
import { type WhenReadyOptions, whenReady } from './when-ready.js'

/**
 * Makes a lifecycle; it is idle until started.
 *
 * @throws an `OptionError` that names the first option that cannot be used
 */
export function lifecycle<P extends LinkProtocol>(options: LifecycleOptions<P>): Lifecycle<P> {
  checkLifecycleOptions(options)
  const made = new LifecycleInterpreter(options)
  announce({ kind: 'lifecycle', env: options.env, noun: made })
  return made
}

interface Offer {
  readonly take: (sink: LinkSink) => Link
  readonly from: Endpoint
}

const nothingDrained: DrainReport = { finished: 0, cut: [], took: 0, timedOut: false }

class LifecycleInterpreter<P extends LinkProtocol>
  extends Interpreter<LifecycleMachine, LifecycleInput, LifecycleEffect>
  implements Lifecycle<P>, LinkOwner<P>
{
  readonly options: LifecycleOptions<P>
  readonly #rules: OptionRules<P>
  /** The link of this generation, from its dial to its end. */
  #run: LinkRun<P> | null = null
  /** A link that the peer opened, during the call that offers it. */
  #offer: Offer | null = null
  #endpoint: Endpoint | null = null
  #turn = 0
  /** The snapshot that everybody has been told, which the machine may be a step ahead of. */
  #told: LifecycleState = idleLifecycle.told
  #current: P | null = null
  #timer: Timer | null = null
  #leave: (() => void) | null = null
  #states: Snapshots<LifecycleState> | null = null
  #currents: Snapshots<P | null> | null = null
  #events$: Subject<LifecycleEvent> | null = null
  #report: Promise<DrainReport> | null = null

  constructor(options: LifecycleOptions<P>) {
    super(idleLifecycle)
    this.options = options
    this.#rules = new OptionRules(options)
  }

  // What everybody sees ----------------------------------------------------------------------------------------

  get state(): LifecycleState {
    return this.#told
  }

  get state$(): Observable<LifecycleState> {
    this.#states ??= new Snapshots(
      () => this.state,
      () => this.#isOver,
    )
    return this.#states.value$
  }

  get current(): P | null {
    return this.#current
  }

  get current$(): Observable<P | null> {
    this.#currents ??= new Snapshots<P | null>(
      () => this.current,
      () => this.#isOver,
    )
    return this.#currents.value$
  }

  get events$(): Observable<LifecycleEvent> {
    this.#events$ ??= new Subject()
    if (this.#isOver) this.#events$.complete()
    return this.#events$.asObservable()
  }

  start(): void {
    this.send({ kind: 'start', at: this.#now })
  }

  nudge(_why: 'network-up' | 'host-woke' | 'operator'): void {
    this.#happened('nudged')
    this.send({ kind: 'nudge', at: this.#now })
  }

  restart(why: End): void {
    this.send({ kind: 'restart', at: this.#now, why })
  }

  adopt(take: (sink: LinkSink) => Link, from: Endpoint): boolean {
    // The answer is due now, and a lifecycle in the middle of a step cannot give one.
    if (this.running) return false
    const offer: Offer = { take, from }
    this.#offer = offer
    this.send({ kind: 'adopt', at: this.#now, prefer: this.#rules.prefer(this.#run?.protocol ?? null, from) })
    const taken = this.#offer !== offer
    this.#offer = null
    return taken
  }

  whenReady(o: WhenReadyOptions = {}): Promise<P> {
    return whenReady(this, this.options.env, o)
  }

  drain(o: { readonly within?: Millis } = {}): Promise<DrainReport> {
    const within = wait(o.within ?? this.options.drainWithin ?? defaultDrainWithin)
    this.send({ kind: 'drain', at: this.#now, within, inFlight: this.#run?.inFlight ?? 0 })
    return lastValueFrom(this.state$, { defaultValue: null }).then(() => this.#report ?? nothingDrained)
  }

  close(why: Partial<End> = {}): void {
    this.send({
      kind: 'close',
      at: this.#now,
      why: end('closed-by-us', { advice: { kind: 'never' }, ...why }),
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  // What a run tells -------------------------------------------------------------------------------------------

  opened(run: LinkRun<P>): void {
    this.send({ kind: 'opened', at: this.#now, generation: run.generation })
  }

  ready(run: LinkRun<P>): void {
    this.send({ kind: 'ready', at: this.#now, generation: run.generation })
  }

  peerDrains(run: LinkRun<P>, within: Millis): void {
    const { generation, inFlight } = run
    this.send({ kind: 'peer-drains', at: this.#now, generation, within, inFlight })
  }

  probed(run: LinkRun<P>): void {
    if (run === this.#run) this.#happened('probed')
  }

  ended(run: LinkRun<P>, why: End): void {
    this.send({ kind: 'ended', at: this.#now, generation: run.generation, why })
  }

  // The machine at work ----------------------------------------------------------------------------------------

  protected step(state: LifecycleMachine, event: LifecycleInput): Step<LifecycleMachine, LifecycleEffect> {
    return lifecycleStep(state, event, this.#rules)
  }

  protected perform(effect: LifecycleEffect): void {
    switch (effect.kind) {
      case 'locate':
        this.#locate(effect.generation)
        return
      case 'admit':
        this.#admit(effect.generation)
        return
      case 'dial':
        this.#dial(effect.generation)
        return
      case 'take':
        this.#take(effect.generation)
        return
      case 'leave':
        this.#leave?.()
        this.#leave = null
        return
      case 'arm':
        this.#arm(effect.at, effect.generation)
        return
      case 'disarm':
        this.#timer?.cancel()
        this.#timer = null
        return
      case 'retire':
        this.#retire(effect.deadline)
        return
      case 'end':
        this.#run?.endGracefully(effect.why)
        return
      case 'destroy':
        this.#run?.fail(effect.why)
    }
  }

  protected publish(): void {
    const { told } = this.machine
    const before = this.#told
    if (told === before) return
    this.#told = told
    if (told.phase === 'waiting' || this.#isOver) this.#run = null
    // What a peer's drain reported is not the report of a later drain of ours.
    if (told.phase === 'waiting') this.#report = null
    const current = told.phase === 'ready' ? (this.#run?.protocol ?? null) : null
    const isAnother = current !== this.#current
    this.#current = current
    if (told.phase !== before.phase) this.#moved(before, told)
    this.#states?.next(told)
    if (isAnother) this.#currents?.next(current)
    if (!this.#isOver) return
    this.#states?.complete()
    this.#currents?.complete()
    this.#events$?.complete()
  }

  #locate(generation: number): void {
    const { endpoints } = this.options
    const failed = (cause: unknown): void => {
      const why = end('dial-failed', { cause, detail: `no endpoint: ${String(cause)}` })
      this.send({ kind: 'ended', at: this.#now, generation, why })
    }
    const found = (endpoint: Endpoint): void => {
      if (generation !== this.machine.generation) return
      this.#endpoint = endpoint
      this.send({ kind: 'located', at: this.#now, generation })
    }
    try {
      const where = typeof endpoints === 'function' ? endpoints() : endpoints[this.#turn++ % endpoints.length]
      if (typeof (where as Partial<Promise<Endpoint>>).then === 'function') {
        ;(where as Promise<Endpoint>).then(found, failed)
      } else found(where as Endpoint)
    } catch (thrown) {
      failed(thrown)
    }
  }

  #admit(generation: number): void {
    const { env } = this.options
    const withdraw = env.admission.enter(env.name, (leave) => {
      this.#leave = leave
      this.#happened('admitted')
      this.send({ kind: 'admitted', at: this.#now, generation })
    })
    // Granted at once, it is the leave that is owed.
    this.#leave ??= withdraw
  }

  #dial(generation: number): void {
    const endpoint = this.#endpoint
    if (endpoint === null) return
    this.#connect(generation, endpoint, (sink) => this.options.dialer.dial(endpoint, sink))
  }

  #take(generation: number): void {
    const offer = this.#offer
    this.#offer = null
    if (offer !== null) this.#connect(generation, offer.from, offer.take)
  }

  #connect(generation: number, endpoint: Endpoint, take: (sink: LinkSink) => Link): void {
    const run = new LinkRun<P>(this, generation)
    this.#run = run
    try {
      const link = run.connect(take)
      this.send({ kind: 'dialed', at: this.#now, generation, link: link.id, endpoint })
      run.begin()
    } catch (thrown) {
      run.fail(end('dial-failed', { cause: thrown, detail: String(thrown) }))
    }
  }

  #arm(at: Millis, generation: number): void {
    this.#timer?.cancel()
    this.#timer = this.options.env.clock.after(at - this.#now, () => {
      // Hosts' timers may be a fraction of a millisecond early.
      this.send({ kind: 'timer', at: Math.max(this.#now, at), generation })
    })
  }

  #retire(deadline: Millis): void {
    const run = this.#run
    if (run === null) return
    const { generation } = run
    run.retire(deadline)
    this.#report = run.drainGate(deadline - this.#now, (inFlight) => {
      this.send({ kind: 'in-flight', at: this.#now, generation, inFlight })
    })
    void this.#report.then(() => this.send({ kind: 'emptied', at: this.#now, generation }))
  }

  #moved(before: LifecycleState, told: LifecycleState): void {
    const { env } = this.options
    const why = 'why' in told ? told.why : undefined
    const link = ('link' in told ? told.link : why?.link) ?? undefined
    const event = {
      at: this.#now,
      link,
      kind: 'transition',
      from: before.phase,
      to: told.phase,
      why,
    } as const
    env.log.info(
      { name: env.name, link, from: before.phase, to: told.phase, why },
      `${before.phase} → ${told.phase}`,
    )
    this.#tell(event)
  }

  #happened(kind: 'probed' | 'nudged' | 'admitted'): void {
    this.#tell({ at: this.#now, kind })
  }

  #tell(event: LifecycleEvent): void {
    const { name, trace } = this.options.env
    if (trace !== undefined) trace('lifecycle', { name, ...event })
    this.#events$?.next(event)
  }

  get #now(): Millis {
    return this.options.env.clock.now()
  }

  get #isOver(): boolean {
    return this.state.phase === 'closed' || this.state.phase === 'failed'
  }
}
