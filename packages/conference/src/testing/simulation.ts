import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { type ConferencesRules, defaultRules } from '../group/types.js'
import type { ConferenceIdentifier, RealKey } from '../wire/identity.js'
import { componentsOf, disagreementsOf, forgottenOf } from './agreement.js'
import { candidatesFor, type FaultKind, happenTo, pickFault } from './faults.js'
import { type Friendships, makeFriends, pick } from './friendships.js'
import { MessageOracle } from './message-oracle.js'
import { type NetworkWeather, SimulatedLinks } from './simulated-links.js'
import { SimulatedPeer } from './simulated-peer.js'

/** Options of {@link Simulation}. */
export interface SimulationOptions {
  /** The same seed gives the same run. */
  readonly seed: number
  /** @defaultValue 5 */
  readonly peers?: number
  /**
   * Who are friends: everybody with everybody, only those who came one after the other, or as few as keep them connected
   * and some more by chance.
   *
   * @defaultValue `sparse`
   */
  readonly friends?: Friendships
  /** @defaultValue {@link defaultRules} */
  readonly rules?: ConferencesRules
}

/** By then a link that died is known to be dead, and has been replaced. */
const settledAfterMs = 45_000

/** What a run came to. */
export interface SimulationReport {
  readonly seed: number
  readonly peers: number
  /** From the last fault until everybody saw everybody; `null` if they never did. */
  readonly healedAfterMs: number | null
  /**
   * Friends who had to invite each other again, because neither remembered the other: one left and came in again while
   * the other was away. Nothing but that heals it (spec 6, L4).
   */
  readonly invitedAgain: number
  /** What was wrong at the end. */
  readonly flaws: readonly string[]
  /** Messages said while things went wrong: copies that others should have had, and had. */
  readonly hoped: number
  readonly delivered: number
  /** Copies that somebody had again. Only a crash, which forgets what was heard, may lead to that. */
  readonly repeated: number
}

/**
 * A conference of simulated peers: groups of them are split off and merged, crash, restart, sleep, leave and come
 * again, on links that lose packets. When all faults are over, everybody who can be reached must be seen by
 * everybody, under the same number, and hear what is said exactly once.
 *
 * @example
 * ```ts
 * import { Simulation } from '@holdfast/conference/testing'
 *
 * const run = new Simulation({ seed: 1, peers: 3 })
 * run.assemble()
 * run.disturb(20)
 * const { flaws } = run.conclude()
 * run.stop()
 * flaws // => []
 * ```
 */
export class Simulation {
  readonly clock = new VirtualClock()
  readonly peers: readonly SimulatedPeer[]
  readonly links: SimulatedLinks
  readonly weather: NetworkWeather = { latency: { min: 5, max: 150 }, loss: 0 }
  /** Every fault, with its time. */
  readonly history: string[] = []
  readonly oracle = new MessageOracle()
  readonly #seed: number
  readonly #random: () => number
  readonly #identifier: ConferenceIdentifier
  #islands = new Map<RealKey, number>()
  #said = 0

  constructor({ seed, peers = 5, friends = 'sparse', rules = defaultRules }: SimulationOptions) {
    const random = seededRandom(seed)
    this.#seed = seed
    this.#random = random
    this.links = new SimulatedLinks(this.clock, random, this.weather)
    this.#identifier = `00${Array.from({ length: 32 }, () =>
      Math.floor(random() * 256)
        .toString(16)
        .padStart(2, '0'),
    ).join('')}`
    const { clock, links } = this
    this.peers = Array.from(
      { length: peers },
      (_, index) => new SimulatedPeer({ name: `peer ${index}`, clock, random, links, rules }),
    )
    makeFriends(this.peers, friends, random)
  }

  /** Those who are in the conference, or will be when they run again. */
  get members(): readonly SimulatedPeer[] {
    return this.peers.filter(({ conference }) => conference?.identifier === this.#identifier)
  }

  /** The first peer creates the conference; friends invite friends until all are in. */
  assemble(): void {
    this.clock.advance(3000)
    for (const peer of this.peers) peer.do({ kind: 'set-name', name: peer.name })
    this.peers[0]?.do({ kind: 'create', identifier: this.#identifier })
    for (let round = 0; this.members.length < this.peers.length && round < this.peers.length; round += 1) {
      for (const outsider of this.peers.filter((peer) => peer.conference === null)) this.#bringIn(outsider)
    }
    this.clock.advance(30_000)
    const flaws = this.disagreements()
    if (flaws.length > 0)
      throw new Error(`seed ${this.#seed}: the conference did not come about: ${flaws[0]}`)
  }

  /** Lets faults happen, one to thirty seconds apart. */
  disturb(faults: number): void {
    for (let left = faults; left > 0; left -= 1) {
      this.fault(pickFault(this.#random))
      this.clock.advance(1000 + this.#random() * 29_000)
      this.oracle.collect(this.peers)
    }
  }

  /** Lets one thing happen, to whom it happens by chance; nothing if it cannot. */
  fault(kind: FaultKind): void {
    const peer = pick(candidatesFor(kind, this.peers, this.members), this.#random)
    this.history.push(`${this.clock.now()} ${kind} ${peer?.name ?? ''}`)
    switch (kind) {
      case 'split': {
        this.split(this.peers.map(() => Math.floor(this.#random() * 3)))
        return
      }
      case 'merge': {
        this.merge()
        return
      }
      case 'loss':
        this.weather.loss = this.#random() * 0.3
        return
      case 'say': {
        if (peer) this.say(peer)
        return
      }
      case 'invite': {
        if (peer) this.#bringIn(peer)
        return
      }
      default:
        if (peer) happenTo(peer, kind, this.#random, this.clock.now())
    }
  }

  /** From now on only peers of the same island reach each other; `islands` has a number for each peer. */
  split(islands: readonly number[]): void {
    this.#islands = new Map(this.peers.map(({ realKey }, index) => [realKey, islands[index] ?? 0]))
    this.links.route((a, b) => this.#islands.get(a.realKey) === this.#islands.get(b.realKey))
  }

  /** Everybody can reach everybody. */
  merge(): void {
    this.split([])
  }

  /** Ends all faults, waits for the conference to heal, and looks whether it has. */
  conclude({ within = 300_000 }: { readonly within?: number } = {}): SimulationReport {
    this.calm()
    const healedAfterMs = this.heal(within)
    const invitedAgain = this.#inviteForgotten()
    const isWhole = healedAfterMs !== null && (invitedAgain === 0 || this.heal(within) !== null)
    this.oracle.collect(this.peers)
    const said = this.oracle.counts()
    const flaws = isWhole ? this.#finalWords() : this.disagreements()
    return { seed: this.#seed, peers: this.peers.length, healedAfterMs, invitedAgain, flaws, ...said }
  }

  /** Ends all faults: everybody runs, is awake, and is reached. */
  calm(): void {
    this.weather.loss = 0
    for (const peer of this.peers) {
      peer.wake()
      peer.start()
    }
    this.merge()
  }

  /**
   * Waits until nobody has disagreed for 45 s: links that are dead without knowing it are found out by then.
   *
   * @returns how long it took until the last disagreement was over, in milliseconds; `null` if some remain
   */
  heal(within: number): number | null {
    const from = this.clock.now()
    let healedAt = from
    while (this.clock.now() - healedAt < settledAfterMs) {
      this.clock.advance(500)
      if (this.disagreements().length > 0) healedAt = this.clock.now() + 500
      if (healedAt - from > within) return null
    }
    return healedAt - from
  }

  /** Lets go of all timers. */
  stop(): void {
    for (const peer of this.peers) peer.stop()
  }

  /**
   * Who does not see whom, or under another number, among members that a chain of friends connects who remember each
   * other.
   */
  disagreements(): string[] {
    return disagreementsOf(this.members)
  }

  /** Now that all is well: what is said is heard once by everybody, and a new title is everybody's. */
  #finalWords(): string[] {
    this.oracle.forget()
    const components = componentsOf(this.members)
    for (const members of components) {
      members[0]?.do({ kind: 'set-title', conference: members[0].conference?.number ?? 0, title: 'the end' })
      for (const peer of members) this.say(peer, members)
    }
    this.clock.advance(30_000)
    this.oracle.collect(this.peers)
    const { missing, repeated } = this.oracle.verdict()
    const others = components.flat().filter(({ conference }) => titleOf(conference?.title) !== 'the end')
    return [
      ...this.disagreements(),
      ...forgottenOf(this.members).map(([one, other]) => `${one.name} and ${other.name} forgot each other`),
      ...missing.map((what) => `never heard: ${what}`),
      ...repeated.map((what) => `heard again: ${what}`),
      ...others.map(({ name }) => `${name} has another title`),
    ]
  }

  /** One of each two friends who do not remember each other invites the other. Returns how many did. */
  #inviteForgotten(): number {
    const pairs = forgottenOf(this.members)
    for (const [one, other] of pairs) {
      one.do({ kind: 'invite', conference: one.conference?.number ?? 0, friend: other.realKey })
      this.clock.advance(1000)
    }
    return pairs.length
  }

  /** A friend who is in invites, and the outsider accepts. */
  #bringIn(outsider: SimulatedPeer): void {
    const host = this.members.find((member) => member.isAwake && member.isFriendOf(outsider))
    const conference = host?.conference?.number
    if (!host || conference === undefined) return
    host.do({ kind: 'invite', conference, friend: outsider.realKey })
    this.clock.advance(1000)
    outsider.do({ kind: 'accept', from: host.realKey, identifier: this.#identifier })
    this.clock.advance(2000)
  }

  /** Has a peer say something that nobody else says, and notes who should hear it. */
  say(peer: SimulatedPeer, members: readonly SimulatedPeer[] = this.members): void {
    const text = `message ${(this.#said += 1)}`
    const conference = peer.conference?.number ?? 0
    if (peer.do({ kind: 'say', conference, text, as: 'chat' })) this.oracle.said(text, peer, members)
  }
}

function titleOf(title: Uint8Array | undefined): string {
  return new TextDecoder().decode(title)
}
