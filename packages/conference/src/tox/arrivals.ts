import { Buffer } from 'node:buffer'
import type { Env } from '@holdfast/core'
import type { RandomBytes } from './crypto/box.js'
import { type Address, isUsable } from './dht/address.js'
import type { Dht } from './dht/dht.js'
import { dhtKinds } from './dht/packets.js'
import { HostLimit } from './limits/host-limit.js'
import type { NetCrypto } from './net-crypto/net-crypto.js'
import { packetKinds } from './net-crypto/packets.js'
import { type Path, udpPath } from './net-crypto/path.js'
import type { DropReason, Traffic } from './traffic.js'

/**
 * Packets other than of connections that one host may send us. A node of the network sends a few a second; of agreements
 * on keys, which are what costs, there are 200 a second for all (`SharedKeys`).
 */
const ofOneHost = { perSecond: 100, burst: 200 }

/** Whom packets are for. */
export interface ArrivalsOptions {
  readonly env: Env
  readonly random: RandomBytes
  readonly dht: Dht
  readonly netCrypto: NetCrypto
  readonly traffic: Traffic
}

/** Packets of anybody, as they arrive at a node: each is for somebody, or dropped for a reason that is counted. */
export class Arrivals {
  readonly #to: ArrivalsOptions
  readonly #hosts: HostLimit

  constructor(options: ArrivalsOptions) {
    this.#to = options
    this.#hosts = new HostLimit({ ...ofOneHost, salt: Buffer.from(options.random(4)).readUInt32BE() })
  }

  /** A packet at our UDP port. */
  udp(packet: Uint8Array, from: Address): void {
    this.#take('udp', (now) => this.#sort(packet, from, now))
  }

  /** A packet that a relay passes on. */
  relay(packet: Uint8Array, from: Path): void {
    this.#take('relay', (now) => this.#to.netCrypto.receive(packet, from, now))
  }

  #take(way: 'udp' | 'relay', hand: (now: number) => DropReason | null): void {
    const { env, traffic } = this.#to
    try {
      traffic.received[way] += 1
      traffic.note(hand(env.clock.now()))
    } catch (err) {
      // Whatever it is, it must not end the process.
      env.log.error({ name: env.name, err }, 'a packet was dropped, because handling it threw')
    }
  }

  #sort(packet: Uint8Array, from: Address, now: number): DropReason | null {
    const { dht, netCrypto } = this.#to
    const [kind = 0xff] = packet
    // Nobody is there, and an answer may be an error.
    if (!isUsable(from)) return 'forged-source'
    if (kind !== packetKinds.data && !this.#hosts.take(from, now)) return 'host-limit'
    if (kind >= packetKinds.cookieRequest && kind <= packetKinds.data) {
      return netCrypto.receive(packet, udpPath(from), now)
    }
    const isDht = kind <= dhtKinds.nodesResponse || kind === dhtKinds.lanDiscovery
    return isDht ? dht.receive(packet, from, now) : 'unknown-kind'
  }
}
