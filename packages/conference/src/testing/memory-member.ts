import type { Env } from '@holdfast/core'
import { type TestEnv, testEnv, type VirtualClock } from '@holdfast/core/testing'
import { type Conferences, conferences } from '../conferences/conferences.js'
import type { FriendLinks } from '../conferences/friend-links.js'
import type { ConferencesRules } from '../group/types.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { LinkUser, SimulatedLinks } from './simulated-links.js'

/** Options of {@link MemoryMember}. */
export interface MemoryMemberOptions {
  readonly name: string
  readonly clock: VirtualClock
  readonly links: SimulatedLinks
  /** Uniform in [0, 1); keys are made by it. */
  readonly random: () => number
  readonly rules?: ConferencesRules
  /** Where it is told what happens to it. */
  readonly trace?: Env['trace']
}

/** One whose {@link Conferences} run on links in memory, for tests of what is built on them. */
export class MemoryMember implements LinkUser {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
  readonly env: TestEnv
  readonly conferences: Conferences
  readonly isAwake = true
  readonly isRunning = true
  readonly #links: SimulatedLinks
  readonly #wanted = new Map<RealKey, Set<string>>()
  readonly #dhtKeys = new Map<RealKey, DhtKey>()

  constructor({ name, clock, links, random, rules, trace }: MemoryMemberOptions) {
    const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random() * 256)
    this.realKey = keyOf(bytes(32))
    this.dhtKey = keyOf(bytes(32))
    this.env = testEnv({ clock, name, random, ...(trace && { trace }) })
    this.#links = links
    this.conferences = conferences({
      env: this.env,
      self: this,
      links: this.#friendLinks(),
      randomBytes: bytes,
      ...(rules && { rules }),
    })
    this.conferences.setName(name)
    links.add(this)
  }

  /** Both become friends, and are online for each other. */
  befriend(other: MemoryMember): void {
    for (const [one, friend] of [[this, other] as const, [other, this] as const]) {
      one.#lease(friend.realKey, 'friend')
      one.#dhtKeys.set(friend.realKey, friend.dhtKey)
      one.conferences.take({ kind: 'friend', realKey: friend.realKey, is: 'online' })
    }
    this.#links.wanted(this, other.realKey)
  }

  wants(other: RealKey): boolean {
    return (this.#wanted.get(other)?.size ?? 0) > 0
  }

  canFind(other: LinkUser): boolean {
    return this.#dhtKeys.get(other.realKey) === other.dhtKey
  }

  /** {@inheritDoc LinkUser.up} */
  up(realKey: RealKey, dhtKey: DhtKey): void {
    this.conferences.take({ kind: 'link-up', realKey, dhtKey })
  }

  /** {@inheritDoc LinkUser.down} */
  down(realKey: RealKey): void {
    this.conferences.take({ kind: 'link-down', realKey })
  }

  /** {@inheritDoc LinkUser.packet} */
  packet(from: RealKey, bytes: Uint8Array): void {
    this.conferences.take({ kind: 'packet', from, bytes })
  }

  #lease(realKey: RealKey, by: string): void {
    this.#wanted.set(realKey, (this.#wanted.get(realKey) ?? new Set()).add(by))
  }

  #friendLinks(): FriendLinks {
    return {
      want: (realKey, dhtKey, by) => {
        if (dhtKey !== null) this.#dhtKeys.set(realKey, dhtKey)
        this.#lease(realKey, by)
        this.#links.wanted(this, realKey)
      },
      release: (realKey, by) => {
        this.#wanted.get(realKey)?.delete(by)
        if (!this.wants(realKey)) this.#links.closed(this, realKey)
      },
      send: (realKey, packet) => this.#links.send(this, realKey, packet, true),
      sendLossy: (realKey, packet) => this.#links.send(this, realKey, packet, false),
    }
  }
}

/** A key that can be somebody's. */
function keyOf(bytes: Uint8Array): string {
  const last = bytes.at(-1) ?? 0
  bytes[bytes.length - 1] = last & 0x7f
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
