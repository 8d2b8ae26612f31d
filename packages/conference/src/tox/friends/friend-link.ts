import { type End, end, type LinkProtocol, type LinkScope } from '@holdfast/core'
import type { DhtKey, RealKey } from '../../wire/identity.js'
import { encodeFriendPacket, friendIds } from './packets.js'

/** How often we say that we are alive: real nodes count nothing else, however much is sent (spec 12.5). */
const aliveEveryMs = 8000
/** A friend connection on which nothing was heard for this long is dead. */
export const deadAfterMs = 32_000

const alive = encodeFriendPacket({ kind: 'alive' })

/** What arrives on a friend connection, alive packets left out. Lent for the call. */
export type HearFriend = (link: FriendLink, packet: Uint8Array) => void

/** One friend connection while it is up: the protocol's object of its lifecycle. */
export class FriendLink implements LinkProtocol {
  readonly realKey: RealKey
  /** As proved by the running link. */
  readonly dhtKey: DhtKey
  readonly #scope: LinkScope
  readonly #hear: HearFriend
  #isFull = false

  constructor(scope: LinkScope, realKey: RealKey, hear: HearFriend) {
    this.#scope = scope
    this.#hear = hear
    this.realKey = realKey
    this.dhtKey = scope.link.identity ?? ''
    scope.sweep(aliveEveryMs, () => this.probe())
    scope.ready()
    this.probe()
  }

  /** More waits than should: whoever can wait, too, does so until what was sent is acknowledged. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Sends a packet, in order and for certain while the link lasts. */
  send(packet: Uint8Array): 'sent' | 'full' | 'refused' {
    const result = this.#scope.link.write(packet)
    if (result === 'full') this.#isFull = true
    return result
  }

  /** Sends a packet that may be lost. */
  sendLossy(packet: Uint8Array): 'sent' | 'refused' {
    return this.#scope.link.datagram?.(packet) ?? 'refused'
  }

  probe(): void {
    this.#scope.link.write(alive)
  }

  message(bytes: Uint8Array | string): void {
    if (typeof bytes !== 'string' && bytes[0] !== friendIds.alive) this.#hear(this, bytes)
  }

  datagram(bytes: Uint8Array): void {
    this.#hear(this, bytes)
  }

  writable(): void {
    this.#isFull = false
  }

  /** Nothing is in flight that could not be lost: what was written goes out, then the link closes. */
  retire(): void {
    this.#scope.link.end(leaving)
  }
}

const leaving: End = end('drained', { advice: { kind: 'never' } })
