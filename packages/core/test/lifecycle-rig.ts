import { fc } from '@fast-check/vitest'
import {
  type Admission,
  type DrainReport,
  type End,
  type Endpoint,
  end,
  fullJitter,
  type Lifecycle,
  type LifecycleState,
  type LinkProtocol,
  type LinkScope,
  type LinkSink,
  lifecycle,
  type RetryAdvice,
  type Ticket,
} from '@holdfast/core'
import { FaultyLink, testEnv, VirtualClock } from '@holdfast/core/testing'
import type { Subscription } from 'rxjs'

/** Hooks that may be made to throw. */
const hooks = ['protocol', 'data', 'retire', 'ended', 'defer', 'advise', 'backoff', 'prefer', 'dial'] as const
export type Hook = (typeof hooks)[number]

type Advice = 'backoff' | 'now' | 'after' | 'never'

/** One thing that somebody does to a lifecycle. */
export type Deed =
  /** Whatever it takes to be ready. */
  | { readonly do: 'up' }
  | {
      readonly do:
        | 'start'
        | 'close'
        | 'nudge'
        | 'open'
        | 'ready'
        | 'data'
        | 'poison'
        | 'enter'
        | 'done'
        | 'late'
    }
  | { readonly do: 'restart' | 'peer-end'; readonly advice: Advice }
  | { readonly do: 'drain' | 'peer-drains' | 'await-gate'; readonly within: number }
  | { readonly do: 'adopt'; readonly prefer: 'current' | 'incoming'; readonly isOpen: boolean }
  | { readonly do: 'advance' | 'sleep' | 'stall' | 'step-wall'; readonly ms: number }
  | { readonly do: 'locate'; readonly fails: boolean }
  | { readonly do: 'react'; readonly when: LifecycleState['phase']; readonly deed: Deed }

export interface Schedule {
  readonly deeds: readonly Deed[]
  readonly throwsIn: Hook | null
  readonly looksUp: boolean
}

const advices: readonly Advice[] = [
  'backoff',
  'backoff',
  'now',
  'now',
  'now',
  'after',
  'after',
  'backoff',
  'never',
]
const anyAdvice = fc.constantFrom(...advices)
const anyWait = fc.constantFrom(0, 50, 1000, 3000)
const plain = (
  ...kinds: ('start' | 'close' | 'nudge' | 'open' | 'ready' | 'data' | 'poison' | 'enter' | 'done' | 'late')[]
) => fc.constantFrom(...kinds).map((kind): Deed => ({ do: kind }))
const anyDirectDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Deed>({ do: 'up' }) },
  { weight: 4, arbitrary: plain('start', 'open', 'ready') },
  { weight: 8, arbitrary: plain('data', 'enter', 'enter', 'done', 'nudge', 'late', 'poison') },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('restart', 'peer-end'), advice: anyAdvice }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('peer-drains', 'await-gate'), within: anyWait }) },
  plain('close'),
  fc.record({ do: fc.constant('drain'), within: anyWait }),
  fc.record({
    do: fc.constant('adopt'),
    prefer: fc.constantFrom('current', 'incoming'),
    isOpen: fc.boolean(),
  }),
  fc.record({ do: fc.constant('locate'), fails: fc.boolean() }),
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('advance', 'advance', 'advance', 'sleep', 'stall', 'step-wall'),
      ms: fc.constantFrom(1, 60, 400, 2500, 20_000),
    }),
  },
)
const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 9, arbitrary: anyDirectDeed },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('react'),
      when: fc.constantFrom('waiting', 'dialing', 'handshaking', 'ready', 'draining', 'closed'),
      deed: anyDirectDeed,
    }),
  },
)

/** Random deeds after a start, with at most one hook that throws. */
export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  deeds: fc
    .array(anyDeed, { minLength: 1, maxLength: 40 })
    .map((deeds): Deed[] => [{ do: 'start' }, ...deeds]),
  throwsIn: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.constantFrom(...hooks)),
  looksUp: fc.boolean(),
})

const floor = 100
const cap = 4000
const stableAfter = 2000
const afterMs = 7000

function adviceOf(kind: Advice): RetryAdvice {
  return kind === 'after' ? { kind, ms: afterMs } : { kind }
}

/** What a protocol's object of the rig has seen. */
class Session implements LinkProtocol {
  readonly scope: LinkScope
  readonly #rig: Rig
  readonly tickets: Ticket[] = []
  isOver = false

  constructor(scope: LinkScope, rig: Rig) {
    this.scope = scope
    this.#rig = rig
    scope.defer(() => this.#rig.throwIf('defer'))
    scope.after(700, () => this.#called('a timer'))
    scope.sweep(500, () => this.#called('a sweep'))
    rig.late.push(scope.guard(() => this.#called('a guarded function')))
    rig.throwIf('protocol')
  }

  data(chunk: Uint8Array): void {
    this.#called('data')
    if (chunk[0] === 0) throw new Error('poisoned')
    this.#rig.throwIf('data')
  }

  writable(): void {
    this.#called('writable')
  }

  retire(): void {
    this.#called('retire')
    this.#rig.throwIf('retire')
  }

  ended(why: End): void {
    this.#called('ended')
    this.isOver = true
    this.#rig.lastEnd = why
    for (const ticket of this.tickets) if (!ticket.cut) this.#rig.violated('I2: a ticket outlives its link')
    if (this.scope.gate.enter('late') !== null) this.#rig.violated('I2: work is admitted after the end')
    this.#rig.throwIf('ended')
  }

  #called(what: string): void {
    if (this.isOver) this.#rig.violated(`I2: ${what} after the end`)
  }
}

/** A lifecycle among people who do things to it, and an account of every invariant they see broken. */
export class Rig {
  readonly clock = new VirtualClock()
  readonly violations: string[] = []
  readonly links: FaultyLink[] = []
  readonly sessions: Session[] = []
  readonly late: (() => void)[] = []
  readonly told: LifecycleState[][] = [[], []]
  readonly drains: { readonly by: number; readonly report: Promise<DrainReport> }[] = []
  readonly gateDrains: Promise<DrainReport>[] = []
  readonly life: Lifecycle<Session>
  readonly bystander: Lifecycle
  lastEnd: End | null = null
  completed = 0
  grants = 0
  leaves = 0
  readySince = -1
  #lookups: { found(at: Endpoint): void; failed(why: Error): void }[] = []
  readonly #subscriptions: Subscription[] = []
  readonly #throwsIn: Hook | null
  #prefer: 'current' | 'incoming' = 'current'
  #attempts = 0
  #notBefore = 0

  constructor({ throwsIn, looksUp }: Omit<Schedule, 'deeds'>) {
    const env = testEnv({ clock: this.clock })
    this.bystander = lifecycle({
      env,
      dialer: { dial: (to, sink) => openSoon(this.clock, new FaultyLink(to, sink)) },
      endpoints: [{ uri: 'memory:bystander' }],
      protocol: (scope) => {
        scope.ready()
        return {}
      },
    })
    this.bystander.start()
    this.clock.advance(20_000)
    this.#throwsIn = throwsIn
    const jitter = fullJitter({ floor, base: 1000, cap })
    this.life = lifecycle<Session>({
      env: { ...env, admission: this.#counted(env.admission), log: { ...env.log } },
      dialer: { dial: (to, sink) => this.#dialed(to, sink) },
      endpoints: looksUp ? () => this.#lookUp() : [{ uri: 'memory:a' }, { uri: 'memory:b' }],
      protocol: (scope) => this.#session(scope),
      backoff: (context) => {
        this.throwIf('backoff')
        return jitter(context)
      },
      advise: (why) => {
        this.throwIf('advise')
        return why.advice
      },
      prefer: () => {
        this.throwIf('prefer')
        return this.#prefer
      },
      dialWithin: 3000,
      handshakeWithin: 3000,
      stableAfter,
    })
    this.#watch(0)
    this.#watch(1)
  }

  violated(what: string): void {
    this.violations.push(what)
  }

  throwIf(hook: Hook): void {
    if (this.#throwsIn === hook) throw new Error(`${hook} throws`)
  }

  get link(): FaultyLink | undefined {
    return this.links.findLast((link) => link.phase !== 'ended')
  }

  get isOver(): boolean {
    return this.life.state.phase === 'closed' || this.life.state.phase === 'failed'
  }

  /** Does all of it, and looks around after each deed. */
  run(deeds: readonly Deed[]): this {
    for (const deed of deeds) {
      const dials = this.links.length
      const wasOver = this.isOver
      this.perform(deed)
      if (wasOver && this.links.length > dials) this.violated('I4: a dial after the end')
      this.#lookAround(deed)
    }
    return this
  }

  perform(deed: Deed): void {
    const { life, link } = this
    const session = this.sessions.findLast((each) => !each.isOver)
    switch (deed.do) {
      case 'up':
        this.#up()
        break
      case 'start':
        life.start()
        break
      case 'close':
        life.close()
        break
      case 'nudge':
        life.nudge('operator')
        break
      case 'open':
        link?.open()
        break
      case 'ready':
        session?.scope.ready()
        break
      case 'data':
        link?.receive('x')
        break
      case 'poison':
        this.#poison(link)
        break
      case 'late':
        this.late.forEach((call) => call())
        break
      case 'enter':
        this.#enter(session)
        break
      case 'done':
        session?.tickets.pop()?.done()
        break
      case 'restart':
        life.restart(end('protocol-error', { advice: adviceOf(deed.advice) }))
        break
      case 'peer-end':
        link?.fail(end('closed-by-peer', { advice: adviceOf(deed.advice) }))
        break
      case 'drain':
        this.drains.push({ by: this.clock.now() + deed.within, report: life.drain({ within: deed.within }) })
        break
      case 'peer-drains':
        session?.scope.peerDrains(deed.within)
        break
      case 'await-gate':
        this.#awaitGate(session, deed.within)
        break
      case 'adopt':
        this.#adopt(deed.prefer, deed.isOpen)
        break
      case 'locate':
        this.#answer(deed.fails)
        break
      case 'advance':
        this.clock.advance(deed.ms)
        break
      case 'sleep':
        this.clock.sleep(deed.ms)
        break
      case 'stall':
        this.clock.stall(deed.ms)
        break
      case 'step-wall':
        this.clock.stepWall(deed.ms)
        break
      case 'react':
        this.#react(deed.when, deed.deed)
        break
    }
  }

  /** Lets everything end, so that promises can be awaited. */
  async finish(): Promise<this> {
    this.clock.advance(60_000)
    this.life.close()
    this.#lookAround({ do: 'close' })
    await Promise.all([...this.drains.map(({ report }) => report), ...this.gateDrains])
    for (const each of this.#subscriptions) each.unsubscribe()
    this.bystander.close()
    if (this.clock.nextAt !== null) this.violated('I4: a timer is left after the end')
    return this
  }

  broken(invariant: string): string[] {
    return this.violations.filter((each) => each.startsWith(`${invariant}:`))
  }

  // The world around the lifecycle -----------------------------------------------------------------------------

  #counted(real: Admission): Admission {
    return {
      get waiting() {
        return real.waiting
      },
      enter: (who, go) =>
        real.enter(who, (leave) => {
          this.grants += 1
          let left = false
          go(() => {
            if (left) this.violated('I6: a grant is left twice')
            left = true
            this.leaves += 1
            leave()
          })
        }),
    }
  }

  #lookUp(): PromiseLike<Endpoint> & Promise<Endpoint> {
    const then = (found: (at: Endpoint) => void, failed: (why: Error) => void): void => {
      this.#lookups.push({ found, failed })
    }
    return { then } as unknown as Promise<Endpoint>
  }

  #answer(fails: boolean): void {
    const asked = this.#lookups.shift()
    if (fails) asked?.failed(new Error('no such name'))
    else asked?.found({ uri: 'memory:found' })
  }

  #dialed(to: Endpoint, sink: LinkSink): FaultyLink {
    if (this.grants - this.leaves !== 1) this.violated('I6: a dial without its one grant')
    if (this.clock.now() < this.#notBefore) this.violated('I8: a dial before a given after')
    this.throwIf('dial')
    return this.#linked(to, sink)
  }

  #linked(to: Endpoint, sink: LinkSink): FaultyLink {
    if (this.link !== undefined) this.violated('I1: a second link while one has not ended')
    const link = new FaultyLink(to, sink, { lateCallbacks: true })
    this.links.push(link)
    return link
  }

  #session(scope: LinkScope): Session {
    const session = new Session(scope, this)
    this.sessions.push(session)
    return session
  }

  #adopt(prefer: 'current' | 'incoming', isOpen: boolean): void {
    this.#prefer = prefer
    const before = this.link
    this.life.adopt(
      (sink) => {
        if (before !== undefined && before.endedByOwner?.kind !== 'superseded') {
          this.violated('I1: adopt takes a link before it has ended the one that it replaces')
        }
        const link = this.#linked({ uri: 'memory:peer' }, sink)
        if (isOpen) link.open()
        return link
      },
      { uri: 'memory:peer' },
    )
  }

  #enter(session: Session | undefined): void {
    const { phase } = this.life.state
    const ticket = session?.scope.gate.enter('work') ?? null
    if (ticket === null) return
    session?.tickets.push(ticket)
    if (phase === 'draining') this.violated('I11: work is admitted while draining')
  }

  /** Somebody with a ticket awaits the very drain that waits for tickets. */
  #awaitGate(session: Session | undefined, within: number): void {
    if (session === undefined) return
    const ticket = session.scope.gate.enter('awaits') ?? undefined
    this.gateDrains.push(session.scope.gate.drain({ within, ...(ticket && { except: ticket }) }))
    if (ticket !== undefined && session.scope.gate.state === 'draining' && session.tickets.length === 0) {
      this.violated('I12: a drain waits for the ticket of whoever awaits it')
    }
  }

  #up(): void {
    if (this.life.state.phase === 'waiting') this.clock.advance(this.life.state.retryAt - this.clock.now())
    this.#answer(false)
    this.link?.open()
    this.sessions.findLast((each) => !each.isOver)?.scope.ready()
  }

  #poison(link: FaultyLink | undefined): void {
    const session = this.sessions.findLast((each) => !each.isOver)
    if (link?.isOpen !== true || session === undefined || this.#throwsIn !== null) return
    link.receive(Uint8Array.of(0))
    if (!session.isOver || this.lastEnd?.kind !== 'adapter-threw')
      this.violated('I10: a throwing hook did not end its link')
    if (link.phase !== 'ended') this.violated('I10: the link of a throwing hook is open')
  }

  #react(when: LifecycleState['phase'], deed: Deed): void {
    let isDone = false
    const subscription = this.life.state$.subscribe((state) => {
      if (isDone || state.phase !== when) return
      isDone = true
      // Moving time within a step would be no real schedule.
      if (!['up', 'advance', 'sleep', 'stall', 'step-wall'].includes(deed.do)) this.perform(deed)
      queueMicrotask(() => subscription.unsubscribe())
    })
    this.#subscriptions.push(subscription)
  }

  // What is expected of it -------------------------------------------------------------------------------------

  #watch(who: 0 | 1): void {
    const told = this.told[who] ?? []
    this.#subscriptions.push(
      this.life.state$.subscribe({
        next: (state) => {
          if (this.life.state !== state) this.violated('I9: .state is another than the snapshot being told')
          if (who === 0) this.#follow(told.at(-1), state)
          told.push(state)
        },
        error: () => this.violated('I9: state$ errors'),
        complete: () => {
          this.completed += 1
        },
      }),
    )
  }

  #follow(before: LifecycleState | undefined, state: LifecycleState): void {
    if (before !== undefined && !isLegal(before, state)) this.violated(`I9: ${before.phase} → ${state.phase}`)
    const now = this.clock.now()
    if (state.phase === 'ready' && before?.phase !== 'ready') this.readySince = now
    if (state.phase === 'ready' && state.stable) {
      if (now - this.readySince < stableAfter) this.violated('I7: stable too soon')
      this.#attempts = 0
    }
    if (state.phase !== 'waiting') return
    if (before?.phase === 'waiting') {
      if (state.retryAt > before.retryAt) this.violated('I8: a nudge puts the dial off')
      if (state.retryAt < this.#notBefore) this.violated('I8: a nudge undercuts a given after')
      return
    }
    const wasUp = before?.phase === 'ready' || before?.phase === 'draining'
    const mayBeStable = wasUp && now - this.readySince >= stableAfter
    if (state.attempt !== this.#attempts + 1) {
      this.violated(`I7: attempt ${state.attempt} after ${this.#attempts}`)
    }
    this.#attempts = state.attempt
    const { advice } = state.why
    if (advice.kind === 'now' && !mayBeStable) this.violated('I7: now is honoured before the link was stable')
    const given = advice.kind === 'after' ? advice.ms : 0
    this.#notBefore = given > 0 ? now + given : 0
    const delay = state.retryAt - now
    // A throwing backoff is replaced by the default one, whose cap is higher.
    const top = this.#throwsIn === 'backoff' ? 30_000 : cap
    if (delay < Math.max(floor, given) || delay > Math.max(top, given))
      this.violated(`I8: a delay of ${delay} ms`)
  }

  #lookAround(deed: Deed): void {
    const { state } = this.life
    const { phase } = state
    const isQuiet = ['idle', 'waiting', 'closed', 'failed'].includes(phase)
    if (isQuiet && this.link !== undefined) this.violated(`I3: a link in ${phase}`)
    if (isQuiet && this.clock.pending !== (phase === 'waiting' ? 1 : 0)) {
      this.violated(`I3: ${this.clock.pending} timers in ${phase} after ${deed.do}`)
    }
    if (phase === 'waiting' && this.clock.pending === 0)
      this.violated('I4: nothing holds the process in waiting')
    const mayHold = phase === 'dialing' ? 1 : 0
    if (this.grants - this.leaves > mayHold) this.violated(`I6: an admission is held in ${phase}`)
    if (this.isOver !== this.completed > 0) this.violated('I4: state$ completes with the end, and only then')
    if (this.isOver && this.clock.nextAt !== null) this.violated(`I4: a timer is left in ${phase}`)
    // After a stall the deadline's timer has its turn when time goes on.
    const isLate =
      deed.do === 'advance' && this.drains.some(({ by }) => this.clock.now() >= by) && !this.isOver
    if (isLate) this.violated(`I11: ${phase} after the deadline of a drain`)
    if (this.bystander.state.phase !== 'ready') this.violated('I10: another lifecycle was harmed')
    const current = phase === 'ready' ? this.sessions.at(-1) : null
    if (this.life.current !== current) this.violated('current is not the object of the ready link')
  }
}

function openSoon(clock: VirtualClock, link: FaultyLink): FaultyLink {
  clock.after(1, () => link.open())
  return link
}

const nextPhases: Record<LifecycleState['phase'], readonly LifecycleState['phase'][]> = {
  idle: ['dialing', 'closed'],
  waiting: ['waiting', 'dialing', 'closed'],
  dialing: ['dialing', 'handshaking', 'waiting', 'closed', 'failed'],
  handshaking: ['dialing', 'ready', 'waiting', 'closed', 'failed'],
  ready: ['ready', 'dialing', 'draining', 'waiting', 'closed', 'failed'],
  draining: ['draining', 'waiting', 'closed', 'failed'],
  closed: [],
  failed: [],
}

function isLegal(before: LifecycleState, after: LifecycleState): boolean {
  return before !== after && nextPhases[before.phase].includes(after.phase)
}
