import type { Timer } from '@holdfast/core'
import type { VirtualClock } from '@holdfast/core/testing'
import type {
  ConferenceNews,
  ConferencesCommand,
  ConferencesEffect,
  ConferencesInput,
} from '../group/events.js'
import { conferencesStep, emptyConferences } from '../group/machine.js'
import { type ConferenceMemory, conferenceMemories } from '../group/memory.js'
import { isWorthSaving, savedConferences } from '../group/save.js'
import {
  type Conference,
  type ConferencesMachine,
  type ConferencesRules,
  defaultRules,
} from '../group/types.js'
import { decodeConferencesSection, encodeConferencesSection } from '../wire/conferences-section.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { LinkUser, SimulatedLinks } from './simulated-links.js'

/** What a simulated peer is made of. */
export interface SimulatedPeerOptions {
  readonly name: string
  readonly clock: VirtualClock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly links: SimulatedLinks
  /** @defaultValue {@link defaultRules} */
  readonly rules?: ConferencesRules
}

/** How often time passes for a peer, in milliseconds. */
const tickEveryMs = 500

/** A member in memory: the machine, its friends, and a save file that outlives the process. */
export class SimulatedPeer implements LinkUser {
  readonly name: string
  readonly realKey: RealKey
  dhtKey: DhtKey
  isRunning = true
  isAsleep = false
  machine: ConferencesMachine
  /** Everything the application was told, by all runs of the process. */
  readonly news: ConferenceNews[] = []
  /** How far its civil clock is off, in milliseconds. */
  wallOffset = 0
  readonly #options: SimulatedPeerOptions
  readonly #friends = new Set<RealKey>()
  readonly #leases = new Map<RealKey, Set<number>>()
  readonly #dhtKeys = new Map<RealKey, DhtKey>()
  #saved: Uint8Array = new Uint8Array()
  #memories: readonly ConferenceMemory[] = []
  #startedAt = 0
  #startedAtWall = 0
  #asleepSince = 0
  #sleptFor = 0
  #ticker: Timer | null = null

  constructor(options: SimulatedPeerOptions) {
    this.#options = options
    this.name = options.name
    this.realKey = randomKey(options.random)
    this.dhtKey = randomKey(options.random)
    this.machine = emptyConferences(this)
    options.links.add(this)
    this.#begin()
  }

  get isAwake(): boolean {
    return this.isRunning && !this.isAsleep
  }

  /** Its first conference. */
  get conference(): Conference | null {
    return this.machine.conferences.first()?.[1] ?? null
  }

  /** Both become friends of each other. */
  befriend(other: SimulatedPeer): void {
    this.#friends.add(other.realKey)
    other.#friends.add(this.realKey)
    for (const [peer, friend] of [[this, other] as const, [other, this] as const]) {
      peer.take({ kind: 'friend', realKey: friend.realKey, is: 'online' })
    }
    this.#options.links.wanted(this, other.realKey)
  }

  /** Whether they are friends. */
  isFriendOf(other: SimulatedPeer): boolean {
    return this.#friends.has(other.realKey)
  }

  /** Whether the other is a member as far as this one knows, live or frozen. */
  remembers(other: SimulatedPeer): boolean {
    return this.conference?.numbers.has(other.realKey) ?? false
  }

  /** @returns whether it was done */
  do(command: ConferencesCommand): boolean {
    return this.take(command).every(({ kind }) => kind !== 'refused')
  }

  /** Lets the machine take a step, and does what follows from it. */
  take(input: ConferencesInput): readonly ConferencesEffect[] {
    if (!this.isAwake) return []
    const { state, effects } = conferencesStep(this.machine, input, {
      at: this.#at(),
      random: this.#options.random,
      rules: this.#options.rules ?? defaultRules,
    })
    this.machine = state
    for (const effect of effects) this.#perform(effect)
    if (effects.some((effect) => effect.kind === 'tell' && isWorthSaving(effect.news))) this.save()
    return effects
  }

  /** Writes what a crash will leave behind. */
  save(isFinal = false): void {
    this.#saved = encodeConferencesSection(savedConferences(this.machine))
    this.#memories = conferenceMemories(this.machine, isFinal)
  }

  /** The process ends without a word, and without saving. */
  crash(): void {
    this.isRunning = false
    this.#end()
    this.#options.links.crashed(this)
  }

  /** The process ends as it should: it says so, saves, and closes its links. */
  quit(): void {
    this.do({ kind: 'close' })
    this.save(true)
    for (const realKey of this.machine.links.keys()) this.#options.links.closed(this, realKey)
    this.isRunning = false
    this.#end()
  }

  /** The process runs again, from its save file and with a new DHT key. */
  start(): void {
    if (this.isRunning) return
    const { name } = this.machine
    this.isRunning = true
    this.dhtKey = randomKey(this.#options.random)
    this.machine = { ...emptyConferences(this), name }
    this.#leases.clear()
    this.#dhtKeys.clear()
    this.#begin()
    for (const realKey of this.#friends) this.take({ kind: 'friend', realKey, is: 'online' })
    const conferences = decodeConferencesSection(this.#saved)
    this.take({ kind: 'restore', conferences, memories: this.#memories })
    this.save()
    this.#options.links.changed()
  }

  /** The host sleeps: nothing happens here, and beats do not count. */
  sleep(): void {
    if (!this.isAwake) return
    this.isAsleep = true
    this.#asleepSince = this.#options.clock.now()
    this.#options.links.changed()
  }

  /** The host wakes up; its links may be dead meanwhile. */
  wake(): void {
    if (!this.isAsleep) return
    this.isAsleep = false
    this.#sleptFor += this.#options.clock.now() - this.#asleepSince
    this.#options.links.changed()
  }

  /** Lets go of its timer. */
  stop(): void {
    this.#end()
  }

  wants(other: RealKey): boolean {
    return this.#friends.has(other) || this.#leases.has(other)
  }

  canFind(other: LinkUser): boolean {
    return this.#friends.has(other.realKey) || this.#dhtKeys.get(other.realKey) === other.dhtKey
  }

  /** {@inheritDoc LinkUser.up} */
  up(other: RealKey, dhtKey: DhtKey): void {
    this.#dhtKeys.set(other, dhtKey)
    this.take({ kind: 'link-up', realKey: other, dhtKey })
  }

  /** {@inheritDoc LinkUser.down} */
  down(other: RealKey): void {
    this.take({ kind: 'link-down', realKey: other })
  }

  /** {@inheritDoc LinkUser.packet} */
  packet(from: RealKey, bytes: Uint8Array): void {
    this.take({ kind: 'packet', from, bytes })
  }

  #begin(): void {
    const { clock, random } = this.#options
    this.#startedAt = clock.now()
    this.#startedAtWall = clock.wall() + this.wallOffset
    this.#sleptFor = 0
    const tick = (): void => {
      this.#ticker = clock.after(tickEveryMs, tick)
      this.take({ kind: 'tick' })
    }
    this.#ticker = clock.after(random() * tickEveryMs, tick)
  }

  #end(): void {
    this.isAsleep = false
    this.#ticker?.cancel()
  }

  #at(): { readonly beat: number; readonly stamp: number } {
    const since = this.#options.clock.now() - this.#startedAt
    return { beat: seconds(since - this.#sleptFor), stamp: seconds(this.#startedAtWall + since) }
  }

  #perform(effect: ConferencesEffect): void {
    const { links } = this.#options
    switch (effect.kind) {
      case 'send':
      case 'send-lossy':
        links.send(this, effect.to, effect.packet, effect.kind === 'send')
        return
      case 'want': {
        if (effect.dhtKey !== null) this.#dhtKeys.set(effect.realKey, effect.dhtKey)
        const leases = this.#leases.get(effect.realKey) ?? new Set()
        this.#leases.set(effect.realKey, leases.add(effect.conference))
        links.wanted(this, effect.realKey)
        return
      }
      case 'release': {
        const leases = this.#leases.get(effect.realKey)
        leases?.delete(effect.conference)
        if (leases?.size === 0) this.#leases.delete(effect.realKey)
        if (!this.wants(effect.realKey)) links.closed(this, effect.realKey)
        return
      }
      case 'tell':
        this.news.push(effect.news)
        return
      case 'refused':
        return
    }
  }
}

/** The module's clock has whole seconds (spec 1). */
function seconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}

function randomKey(random: () => number): string {
  const bytes = Array.from({ length: 32 }, () => Math.floor(random() * 256))
  bytes[31] = (bytes[31] ?? 0) & 0x7f
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
