import { fc } from '@fast-check/vitest'
import {
  type Binding,
  type DrainReport,
  type End,
  end,
  type LinkId,
  type LinkProtocol,
  type LinkScope,
  type Millis,
  type Movability,
  type Mover,
  type Pool,
  type PoolState,
  pool,
} from '@holdfast/core'
import { type FaultyLink, ScriptedDialer, testEnv, VirtualClock } from '@holdfast/core/testing'

type Hook = keyof Mover<unknown, unknown>

/** One thing that somebody does to a pool. Numbers are draws: of the links, or sessions, that there are. */
export type Deed =
  | { readonly do: 'bind' | 'flush-all' | 'open' | 'refuse' | 'close' }
  | { readonly do: 'release' | 'send' | 'flush' | 'fin' | 'reset' | 'goodbye' | 'end'; readonly of: number }
  | { readonly do: 'retire' | 'replace'; readonly of: number; readonly within: Millis }
  | { readonly do: 'advance'; readonly ms: Millis }
  | { readonly do: 'drain'; readonly within: Millis }
  /** At the next call of this hook it throws, or something is done from within it. */
  | { readonly do: 'throw'; readonly when: Hook }
  | { readonly do: 'react'; readonly when: Hook | 'state$'; readonly deed: Deed }

export interface Schedule {
  readonly deeds: readonly Deed[]
  /** Whether sessions keep what is unsent, and write it again. */
  readonly resends: boolean
}

const anyDraw = fc.nat(20)
const anyHook = fc.constantFrom<Hook>('movable', 'attach', 'detach', 'released')
const anyWithin = fc.constantFrom(0, 30, 500, 4000)
const plainDeeds: fc.WeightedArbitrary<Deed>[] = [
  { weight: 12, arbitrary: fc.constantFrom<Deed>({ do: 'bind' }, { do: 'bind' }, { do: 'open' }) },
  { weight: 2, arbitrary: fc.constantFrom<Deed>({ do: 'refuse' }, { do: 'flush-all' }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constantFrom('send', 'send', 'flush', 'release'), of: anyDraw }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('fin', 'reset', 'goodbye', 'end'), of: anyDraw }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('retire', 'replace'), of: anyDraw, within: anyWithin }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(1, 60, 700, 5000) }) },
]
const anyPlainDeed: fc.Arbitrary<Deed> = fc.oneof(...plainDeeds)
const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  ...plainDeeds,
  { weight: 3, arbitrary: fc.record({ do: fc.constant('throw'), when: anyHook }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('react'),
      when: fc.oneof(anyHook, fc.constant<'state$'>('state$')),
      deed: fc.oneof(anyPlainDeed, fc.constant<Deed>({ do: 'close' })),
    }),
  },
)
const anyEnd: fc.Arbitrary<Deed> = fc.oneof(
  fc.constant<Deed>({ do: 'close' }),
  fc.record({ do: fc.constant('drain'), within: anyWithin }),
)

/** Whatever sessions, peers and owners may do, in any order. */
export const anyPlainSchedule: fc.Arbitrary<Schedule> = fc.record({
  deeds: fc
    .tuple(fc.array(anyPlainDeed, { maxLength: 60, size: 'max' }), anyEnd)
    .map(([deeds, last]) => [...deeds, last]),
  resends: fc.boolean(),
})

/** The same, with hooks that throw, and that do things to the pool in the middle of its steps. */
export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  deeds: fc
    .tuple(fc.array(anyDeed, { maxLength: 60, size: 'max' }), anyEnd)
    .map(([deeds, last]) => [...deeds, last]),
  resends: fc.boolean(),
})

class Upstream implements LinkProtocol {
  readonly scope: LinkScope
  isOver = false

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  hasFlushed(mark: number): boolean {
    const { link } = this.scope
    return link.accepted - link.unflushed >= mark
  }

  ended(): void {
    this.isOver = true
  }
}

/** One session, and what its mover was told of it. */
class Session {
  readonly id: number
  on: Upstream | null = null
  /** Written last, and when it has left. */
  unsent: string | null = null
  mark = 0
  sent = 0
  released = 0
  binding: Binding<Session, Upstream> | null = null
  /** It left a link in the middle of a send, and nothing of that is kept. */
  isTorn = false
  /** When it was last asked whether it can move. */
  wasBusy = false
  /** The link that it has left last, and in the course of which deed. */
  left: { readonly link: LinkId; readonly deed: number } | null = null
  isHarmed = false

  constructor(id: number) {
    this.id = id
  }

  get isBusy(): boolean {
    return this.on !== null && !this.on.hasFlushed(this.mark)
  }
}

/** A pool among people who do things to it, and an account of every invariant they see broken. */
export class PoolRig {
  readonly clock = new VirtualClock()
  readonly dialer = new ScriptedDialer(this.clock, () => ({ holdWrites: true }))
  readonly sessions: Session[] = []
  readonly violations: string[] = []
  readonly told: PoolState[][] = [[], []]
  readonly drains: { readonly by: Millis; readonly report: Promise<DrainReport> }[] = []
  readonly pool: Pool<Session, Upstream>
  completed = 0
  settled = 0
  asked = 0
  #depth = 0
  #deeds = 0
  #isInHook = false
  /** Links that were told to go while no step was under way. */
  readonly #going = new Set<LinkId>()
  readonly #leavers = new Map<LinkId, number>()
  readonly #resends: boolean
  #next: { readonly when: Hook | 'state$'; readonly act: () => void } | null = null

  constructor(resends: boolean) {
    this.#resends = resends
    const env = testEnv({ clock: this.clock })
    this.pool = pool<Session, Upstream>({
      env,
      size: { min: 2, max: 4, growAbove: 4, shrinkBelow: 2 },
      park: { within: 3000, max: 6 },
      slot: {
        env,
        dialer: this.dialer,
        endpoints: [{ uri: 'memory:upstream' }],
        protocol: (scope) => new Upstream(scope),
        drainWithin: 200,
      },
      mover: {
        movable: (session, from) => this.#movable(session, from),
        attach: (session, to) => this.#attach(session, to),
        detach: (session, from, linkAlive) => this.#detach(session, from, linkAlive),
        released: (session, why) => this.#released(session, why),
      },
      label: ({ id }) => `session ${id}`,
    })
    for (const told of this.told)
      this.pool.state$.subscribe({
        next: (state) => {
          told.push(state)
          if (state !== this.pool.state) this.violated('I9: the state is not the snapshot that is told')
          this.#during('state$')
        },
        complete: () => {
          this.completed += 1
        },
      })
    this.pool.moves$.subscribe((report) => {
      const left = this.sessions.filter(({ on }) => on?.scope.link.id === report.link)
      if (left.length > 0) this.violated(`I14: ${left.length} are left on link ${report.link}`)
      this.#leavers.set(
        report.link,
        (this.#leavers.get(report.link) ?? 0) - report.moved - report.parked - report.cut.length,
      )
    })
    this.pool.start()
  }

  broken(rule: string): string[] {
    return this.violations.filter((text) => text.startsWith(rule))
  }

  violated(text: string): void {
    this.violations.push(text)
  }

  /** Links of whom not each session is accounted for: moved, parked or cut, once. */
  get miscounted(): number {
    return [...this.#leavers.values()].filter((left) => left !== 0).length
  }

  run({ deeds }: Pick<Schedule, 'deeds'>): this {
    for (const deed of deeds) {
      this.#deeds += 1
      this.#do(deed)
      this.#check()
    }
    return this
  }

  /** Lets every drain and every retirement settle. */
  async finish(): Promise<this> {
    for (const { by, report } of this.drains) {
      this.clock.advance(Math.max(0, by - this.clock.now()))
      const settled: DrainReport[] = []
      void report.then((told) => settled.push(told))
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve()
      if (settled.length === 0) this.violated('I11: a drain has not settled by its deadline')
    }
    await this.clock.advanceAsync(0)
    if (this.settled !== this.asked) this.violated('I14: a retirement has not settled')
    if (this.pool.state.phase !== 'closed') this.violated('I11: the pool is not closed')
    for (const { id, released, binding } of this.sessions)
      if (binding !== null && released !== 1)
        this.violated(`I14: session ${id} was released ${released} times`)
    const dialed = this.dialer.links.length
    await this.clock.advanceAsync(60_000)
    if (this.clock.pending > 0) this.violated('I4: a timer is left')
    if (this.dialer.links.some(({ phase }) => phase !== 'ended')) this.violated('I4: a link is left')
    if (this.dialer.links.length > dialed) this.violated('I4: there was a dial after the end')
    return this
  }

  get #open(): FaultyLink[] {
    return this.dialer.links.filter((link) => link.phase === 'open')
  }

  #do(deed: Deed): void {
    const { pool: it } = this
    const session = 'of' in deed ? pick(this.sessions, deed.of) : undefined
    const link = 'of' in deed ? pick(this.#open, deed.of) : undefined
    switch (deed.do) {
      case 'bind': {
        const made = new Session(this.sessions.length + 1)
        this.sessions.push(made)
        const bound = it.bind(made)
        if ('refused' in bound) {
          if (bound.refused.code === undefined) this.violated('I14: a refusal without a reason')
          if (made.released > 0) this.violated('I14: a session that was refused is released')
        } else made.binding = bound
        return
      }
      case 'release':
        session?.binding?.release()
        return
      case 'send':
        // In the middle of a step it has been settled who can move.
        if (session !== undefined && !this.#isInHook) this.#send(session)
        return
      case 'flush':
        link?.flush()
        return
      case 'flush-all':
        for (const each of this.#open) each.flush()
        return
      case 'open':
        this.dialer.links.find(({ phase }) => phase === 'opening')?.open()
        return
      case 'refuse':
        this.dialer.links.find(({ phase }) => phase === 'opening')?.fail(end('dial-failed'))
        return
      case 'fin':
        link?.closeByPeer()
        return
      case 'reset':
        link?.fail(end('reset-by-peer', { code: 'ECONNRESET' }))
        return
      case 'goodbye':
        if (link !== undefined) this.#protocolOf(link)?.scope.peerDrains(1000)
        return
      case 'end':
        // The protocol itself has had enough of this link.
        if (link !== undefined) this.#protocolOf(link)?.scope.link.end(end('closed-by-us'))
        return
      case 'retire':
      case 'replace': {
        if (link === undefined) return
        this.asked += 1
        void it[deed.do](link.id, { within: deed.within }).then(() => {
          this.settled += 1
        })
        if (deed.do === 'retire' && this.#depth === 0) this.#going.add(link.id)
        return
      }
      case 'advance':
        this.clock.advance(deed.ms)
        return
      case 'drain':
        this.drains.push({
          by: this.clock.now() + deed.within,
          report: it.drain({ within: deed.within }),
        })
        return
      case 'close':
        it.close()
        return
      case 'throw':
        this.#next = {
          when: deed.when,
          act: () => {
            throw new Error(`${deed.when} throws`)
          },
        }
        return
      case 'react':
        this.#next = { when: deed.when, act: () => this.#do(deed.deed) }
    }
  }

  #protocols = new Map<LinkId, Upstream>()

  #protocolOf(link: FaultyLink): Upstream | undefined {
    return this.#protocols.get(link.id)
  }

  #send(session: Session): void {
    const { on } = session
    if (on === null || session.isBusy) return
    session.sent += 1
    const packet = `${session.id}:${session.sent};`
    this.#write(session, on, packet)
  }

  #write(session: Session, on: Upstream, packet: string): void {
    session.unsent = packet
    const { link } = on.scope
    link.write(packet)
    session.mark = link.accepted
  }

  #during(when: Hook | 'state$'): void {
    const next = this.#next
    if (next?.when !== when) return
    this.#next = null
    this.#depth += 1
    try {
      next.act()
    } finally {
      this.#depth -= 1
    }
  }

  /** Calls of hooks are in the middle of a step. */
  #inHook(session: Session, when: Hook): void {
    this.#isInHook = true
    try {
      this.#during(when)
    } catch (thrown) {
      session.isHarmed = true
      throw thrown
    } finally {
      this.#isInHook = false
    }
  }

  #movable(session: Session, from: Upstream): Movability {
    if (session.on !== from) this.violated(`I16: session ${session.id} is asked about another link`)
    this.#inHook(session, 'movable')
    session.wasBusy = !this.#resends && session.isBusy
    return session.wasBusy ? 'mid-send' : true
  }

  #attach(session: Session, to: Upstream): void {
    const { link } = to.scope
    this.#protocols.set(link.id, to)
    if (link.phase !== 'open' || to.isOver)
      this.violated(`I13: session ${session.id} is placed on a dead link`)
    if (this.#going.has(link.id)) this.violated(`I13: session ${session.id} is placed on a link that goes`)
    if (session.on !== null) this.violated(`I16: session ${session.id} is attached to two links`)
    if (session.released > 0) this.violated(`I14: session ${session.id} is attached after its release`)
    if (session.isTorn) this.violated(`I15: session ${session.id} is moved in the middle of a send`)
    session.on = to
    session.left = null
    const again = session.unsent
    session.mark = 0
    session.unsent = null
    if (this.#resends && again !== null) this.#write(session, to, again)
    this.#inHook(session, 'attach')
  }

  #detach(session: Session, from: Upstream, linkAlive: boolean): void {
    const { link } = from.scope
    if (session.on !== from) this.violated(`I16: session ${session.id} is detached from where it is not`)
    if (linkAlive !== (link.phase !== 'ended'))
      this.violated(`I14: it is said of link ${link.id} that linkAlive is ${linkAlive}`)
    if (!session.isBusy) session.unsent = null
    else if (!this.#resends) session.isTorn = true
    session.on = null
    session.left = { link: link.id, deed: this.#deeds }
    this.#leavers.set(link.id, (this.#leavers.get(link.id) ?? 0) + 1)
    this.#inHook(session, 'detach')
  }

  #released(session: Session, why: End): void {
    session.released += 1
    if (session.released > 1) this.violated(`I14: session ${session.id} is released twice`)
    if (session.on !== null) this.violated(`I16: session ${session.id} is released while attached`)
    // Released by its owner it is nobody's report.
    const { left } = session
    if (why.code === 'asked' && left?.deed === this.#deeds)
      this.#leavers.set(left.link, (this.#leavers.get(left.link) ?? 0) - 1)
    if (why.code === 'mid-send' && !session.wasBusy)
      this.violated(`I15: session ${session.id} is cut although nothing of it is unsent`)
    if (why.kind === 'adapter-threw' && why.code === 'pinned' && !session.isHarmed)
      this.violated(`I10: session ${session.id} is cut for what another threw`)
    this.#inHook(session, 'released')
  }

  /** What holds whenever nothing is under way. */
  #check(): void {
    const { links, parked, phase } = this.pool.state
    let [bound, waiting] = [0, 0]
    for (const { id, binding, on, released } of this.sessions) {
      if (binding === null) continue
      if (binding.on !== on) this.violated(`I16: the binding of session ${id} says that it is elsewhere`)
      if (binding.state === 'bound') bound += 1
      if (binding.state === 'parked') waiting += 1
      const expected = released > 0 ? 'released' : on === null ? 'parked' : 'bound'
      if (binding.state !== expected) this.violated(`I14: session ${id} is ${expected}, not ${binding.state}`)
      if (on !== null && on.scope.link.phase === 'ended')
        this.violated(`I14: session ${id} is on a link that has ended`)
    }
    if (bound !== links.reduce((sum, link) => sum + link.bound, 0) || waiting !== parked)
      this.violated('I14: the state does not add up')
    const isReady = links.some((link) => link.phase === 'ready')
    if (parked > 0 && isReady) this.violated('I14: somebody is parked while a link is ready')
    if (phase === 'closed' && bound + waiting > 0) this.violated('I14: somebody is left in a closed pool')
    this.#checkBytes()
  }

  /** Each packet of a session is on one link, the next on the same or a later one. */
  #checkBytes(): void {
    if (this.#resends) return
    for (const { id } of this.sessions) {
      const packets = this.dialer.links.flatMap(({ written }) =>
        [...written.matchAll(new RegExp(`\\b${id}:(\\d+);`, 'g'))].map(([, n]) => Number(n)),
      )
      const inOrder = packets.every((n, index) => index === 0 || n > (packets[index - 1] ?? 0))
      if (new Set(packets).size < packets.length) this.violated(`I16: a packet of session ${id} is doubled`)
      else if (!inOrder && this.dialer.links.length < 2)
        this.violated(`I16: packets of ${id} are out of order`)
    }
  }
}

function pick<T>(of: readonly T[], draw: number): T | undefined {
  return of[draw % Math.max(1, of.length)]
}
