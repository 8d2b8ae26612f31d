import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { addressOf, memoryStore, type NostrEvent } from '@holdfast/nostr-sync'
import { type ScriptedRelay, scriptedRelay } from '@holdfast/nostr-sync/testing'
import { BreakableNetwork } from './breakable-network.js'
import { ChaosNode } from './chaos-node.js'
import { author, madeEvent } from './made-event.js'

/** What came of one simulation. */
export interface ChaosReport {
  readonly seed: number
  /** Events that a node or the relay has promised to keep. */
  readonly promised: number
  readonly faults: number
  /** Everything that should not be; empty. */
  readonly flaws: readonly string[]
}

/** Where an event was published, and how it can be found. */
interface Promise_ {
  readonly event: NostrEvent
  readonly at: string
  readonly isBackDated: boolean
  /** In seconds since the start. */
  readonly when: number
}

const minute = 60_000
const hour = 60 * minute
const nodeHosts = ['a.example', 'b.example'] as const
const relayUrl = 'wss://relay.example'

/**
 * Two nodes of ours, which mirror each other and a third relay without negentropy, under faults of every kind, by a virtual
 * clock. The same seed is the same story.
 */
export class ChaosSimulation implements AsyncDisposable {
  readonly history: string[] = []
  readonly #seed: number
  readonly #random: () => number
  readonly #clock = new VirtualClock()
  readonly #network = new BreakableNetwork(this.#clock)
  readonly #nodes: readonly ChaosNode[]
  #relay: ScriptedRelay | null = null
  #relayEvents: readonly NostrEvent[] = []
  readonly #published: NostrEvent[] = []
  readonly #promised = new Map<string, Promise_>()
  readonly #repos: string[] = []
  #later: { readonly at: number; readonly run: () => unknown }[] = []
  #faults = 0
  #numbers = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#random = seededRandom(seed)
    this.#nodes = nodeHosts.map(
      (host, index) =>
        new ChaosNode({
          ...{ host, clock: this.#clock, seed: seed * 2 + index },
          ...{ dialer: this.#network.dialer(host), acceptor: this.#network.acceptor },
          ...(index === 0 && { sink: relayUrl }),
        }),
    )
  }

  /** Everybody begins, and one repository is announced. */
  async begin(): Promise<void> {
    await this.#beginRelay()
    for (const node of this.#nodes) await node.begin()
    this.#announce()
    await this.#pass(10_000)
  }

  /** So many times something is published, or breaks, or both. */
  async disturb(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      if (this.#chance(0.8)) this.#publish()
      if (this.#chance(0.4)) this.#break()
      await this.#pass(
        this.#chance(0.04) ? this.#between(10 * minute, 40 * minute) : this.#between(100, minute),
      )
    }
  }

  /** Mends everything and looks, once all should have caught up, whether all have all. */
  async conclude(): Promise<ChaosReport> {
    this.#say('all is mended')
    for (const { run } of this.#later.splice(0)) await run()
    for (const node of this.#nodes) node.clock.setAhead(0)
    await this.#pass(45 * minute)
    // A relay without negentropy says only in the daily sync what was dated long ago.
    const flaws = await this.#flaws(({ at, isBackDated }) => !isBackDated || at !== relayUrl)
    await this.#pass(7.5 * hour)
    flaws.push(...(await this.#flaws(() => true)).map((flaw) => `after the daily sync: ${flaw}`))
    return { seed: this.#seed, promised: this.#promised.size, faults: this.#faults, flaws }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node[Symbol.asyncDispose]()
    await this.#relay?.close()
  }

  // What is published ------------------------------------------------------------------------------------------

  #publish(): void {
    if (this.#chance(0.05)) this.#announce()
    const at = this.#pick([...this.#nodes.map(({ url }) => url), relayUrl])
    const count = this.#chance(0.1) ? 60 : 1 + Math.floor(this.#random() * 5)
    const isBackDated = this.#chance(0.2)
    this.#say(`${count} events for ${at}${isBackDated ? ', dated long ago' : ''}`)
    const now = Math.floor(this.#clock.wall() / 1000)
    const createdAt = isBackDated ? now - Math.floor(this.#between(1, 365) * 86_400) : now
    // Of a second with more events than a page a relay without negentropy gives no more than the page (R54).
    for (let n = 0; n < count; n++) this.#send(this.#made(createdAt - Math.floor(n / 10)), at, isBackDated)
  }

  #made(created_at: number): NostrEvent {
    const content = `${this.#numbers++}`
    // Of what nobody has taken nobody takes a comment either.
    const taken = [...this.#promised.values()].map(({ event }) => event)
    const roots = taken.filter(({ kind }) => kind === 1621)
    const repos = taken.filter(({ kind }) => kind === 30617).map(addressOf)
    if (roots.length === 0 || this.#chance(0.3))
      return madeEvent({ kind: 1621, created_at, content, tags: [['a', this.#pick(repos) ?? '']] })
    const root = this.#pick(roots)
    const pubkey = author('c')
    const comments = taken.filter(({ kind }) => kind === 1111)
    if (comments.length > 0 && this.#chance(0.1)) {
      const target = this.#pick(comments)
      const thread = target.tags.filter(([name]) => name === 'E')
      return madeEvent({ kind: 5, pubkey, created_at, content, tags: [['e', target.id], ...thread] })
    }
    return madeEvent({ kind: 1111, pubkey, created_at, content, tags: [['E', root.id]] })
  }

  /** A repository, or a newer announcement of one. */
  #announce(): void {
    const isNew = this.#repos.length === 0 || this.#chance(0.7)
    const d = isNew ? `repo ${this.#repos.length}` : `repo ${Math.floor(this.#random() * this.#repos.length)}`
    const event = madeEvent({
      kind: 30617,
      created_at: Math.floor(this.#clock.wall() / 1000),
      tags: [
        ['d', d],
        ['description', `${this.#numbers++}`],
        ['clone', ...nodeHosts.map((host) => `https://${host}/repo.git`)],
        ['relays', ...nodeHosts.map((host) => `wss://${host}`), relayUrl],
      ],
    })
    const address = `30617:${event.pubkey}:${d}`
    if (isNew) this.#repos.push(address)
    // As clients do: to every relay that it names. Those that are down do not get it.
    for (const at of [...this.#nodes.map(({ url }) => url), relayUrl]) this.#send(event, at, false)
  }

  #send(event: NostrEvent, at: string, isBackDated: boolean): void {
    this.#published.push(event)
    const promise = (): void => {
      this.#promised.set(event.id, { event, at, isBackDated, when: this.#seconds() })
    }
    if (at !== relayUrl) {
      const node = this.#nodes.find(({ url }) => url === at)
      node?.publish(event, ({ kind }) => {
        if (kind === 'saved') promise()
      })
    } else if (this.#relay !== null) {
      this.#relay.publish(event)
      promise()
    }
  }

  // What breaks ------------------------------------------------------------------------------------------------

  #break(): void {
    this.#faults++
    const node = this.#pick(this.#nodes)
    const [from, to] = this.#pick([
      [nodeHosts[0], 'wss://b.example'],
      [nodeHosts[1], 'wss://a.example'],
      [nodeHosts[0], relayUrl],
      [nodeHosts[1], relayUrl],
    ] as const)
    const lasting = this.#chance(0.1) ? this.#between(15 * minute, hour) : this.#between(1000, 3 * minute)
    const named = (what: string): void => this.#say(`${what} for ${Math.round(lasting / 1000)} s`)
    const faults: readonly (() => void)[] = [
      () => {
        if (node.mirror === null) return
        named(`${node.host} is killed`)
        void node.crash()
        this.#after(lasting, () => node.begin())
      },
      () => {
        named(`${from} to ${to} is cut`)
        this.#network.cut(from, to)
        this.#after(lasting, () => this.#network.heal(from, to))
      },
      () => {
        this.#say(`${from} to ${to} is reset`)
        this.#network.reset(from, to)
      },
      () => {
        named(`${from} from ${to} is stalled`)
        this.#after(Math.min(lasting, 50_000), this.#network.stall(from, to))
      },
      () => {
        const ahead = (this.#random() - 0.5) * (this.#chance(0.2) ? 8 * hour : 20 * minute)
        this.#say(`the clock of ${node.host} is ${Math.round(ahead / 1000)} s ahead`)
        node.clock.setAhead(ahead)
      },
      () => this.#breakRelay(lasting, named),
    ]
    this.#pick(faults)()
  }

  #breakRelay(lasting: number, named: (what: string) => void): void {
    const relay = this.#relay
    if (relay === null) return
    const { faults } = relay
    const until = (what: string, mend: () => unknown): void => {
      named(`the relay ${what}`)
      this.#after(lasting, mend)
    }
    const kinds: readonly (() => void)[] = [
      () => {
        faults.rateLimit = { after: 0, by: this.#chance(0.5) ? 'closed' : 'notice' }
        until('limits rates', () => delete faults.rateLimit)
      },
      () => {
        faults.noEose = true
        until('sends no EOSE', () => delete faults.noEose)
      },
      () => {
        faults.maxSubscriptions = 3
        until('takes three subscriptions', () => delete faults.maxSubscriptions)
      },
      () => {
        this.#relay = null
        this.#relayEvents = relay.events
        void relay.close()
        until('is down', () => this.#beginRelay())
      },
    ]
    this.#pick(kinds)()
  }

  async #beginRelay(): Promise<void> {
    this.#relay = await scriptedRelay({
      acceptor: this.#network.acceptor,
      at: { uri: relayUrl },
      events: this.#relayEvents,
      faults: { negentropy: 'closed', maxLimit: 30 },
    })
  }

  // What is found ----------------------------------------------------------------------------------------------

  async #flaws(isDue: (promise: Promise_) => boolean): Promise<string[]> {
    const flaws: string[] = []
    await using truth = memoryStore(this.#clock)
    await truth.put(this.#published)
    const [a, b] = this.#nodes.map(({ store }) => idsOf(store)) as [Set<string>, Set<string>]
    const relay = new Set(this.#relay?.events.map(({ id }) => id))
    const tell = (id: string, what: string): void => {
      const event = this.#published.find((one) => one.id === id)
      const { at = 'nobody', isBackDated = false, when = -1 } = this.#promised.get(id) ?? {}
      flaws.push(
        `${what}: ${event?.content ?? '?'}, kind ${event?.kind ?? 0}, promised by ${at} at ${when} s${isBackDated ? ', dated long ago' : ''}`,
      )
    }
    for (const [id, promise] of this.#promised) {
      if (!truth.has(id) || !isDue(promise)) continue
      if (!a.has(id)) tell(id, 'missing at a')
      if (!b.has(id)) tell(id, 'missing at b')
      if (!relay.has(id)) tell(id, 'missing at the relay')
    }
    for (const id of a) if (!b.has(id) && !this.#promised.has(id)) tell(id, 'only at a')
    for (const id of b) if (!a.has(id) && !this.#promised.has(id)) tell(id, 'only at b')
    return flaws
  }

  // Time and chance --------------------------------------------------------------------------------------------

  #after(ms: number, run: () => unknown): void {
    this.#later.push({ at: this.#clock.now() + ms, run })
  }

  async #pass(ms: number): Promise<void> {
    const until = this.#clock.now() + ms
    for (;;) {
      const next = this.#later.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      await this.#clock.advanceAsync(Math.max(0, next.at - this.#clock.now()))
      this.#later = this.#later.filter((one) => one !== next)
      await next.run()
    }
    await this.#clock.advanceAsync(Math.max(0, until - this.#clock.now()))
  }

  #say(text: string): void {
    this.history.push(`${this.#seconds()} s: ${text}`)
  }

  #seconds(): number {
    return Math.round(this.#clock.now() / 1000)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #between(least: number, most: number): number {
    return least + this.#random() * (most - least)
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T
  }
}

function idsOf(store: ChaosNode['store']): Set<string> {
  return new Set(store.query({}, { limit: 100_000, maxExamined: 1_000_000 }).events.map(({ id }) => id))
}
