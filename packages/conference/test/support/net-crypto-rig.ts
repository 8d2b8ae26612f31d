import { createHash } from 'node:crypto'
import type { Millis } from '@holdfast/core'
import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { cryptoReady, KeyPair, type RandomBytes } from '../../src/tox/crypto/box.js'
import { SharedKeys } from '../../src/tox/crypto/shared-keys.js'
import type { Connection, ConnectionEnd, ConnectionEvents } from '../../src/tox/net-crypto/connection.js'
import { CookieJar } from '../../src/tox/net-crypto/cookies.js'
import { NetCrypto } from '../../src/tox/net-crypto/net-crypto.js'
import { type Path, udpPath } from '../../src/tox/net-crypto/path.js'
import { hex } from '../../src/wire/identity.js'

await cryptoReady

/** What a way between nodes does to packets. */
export interface Weather {
  readonly loss: number
  readonly twice: number
  readonly latency: readonly [Millis, Millis]
}

/** A calm sea. */
export const calm: Weather = { loss: 0, twice: 0, latency: [10, 10] }

/** Bytes that differ at every call and are the same in every run. */
export function seededBytes(seed: string): RandomBytes {
  let calls = 0
  return (count) => {
    calls += 1
    const made = createHash('sha512').update(`${seed} ${calls}`).digest()
    return made.subarray(0, count)
  }
}

/** What a peer of the rig was told of one of its connections. */
export class Told implements ConnectionEvents {
  readonly messages: string[] = []
  readonly datagrams: string[] = []
  isUp = false
  end: ConnectionEnd | null = null

  up(): void {
    this.isUp = true
  }
  message(payload: Uint8Array): void {
    this.messages.push(hex(payload))
  }
  datagramHeard(payload: Uint8Array): void {
    this.datagrams.push(hex(payload))
  }
  progress(): void {}
  ended(why: ConnectionEnd): void {
    this.end = why
  }
}

/** One node of the rig. */
export class Peer {
  readonly real: KeyPair
  dht: KeyPair
  readonly wanted = new Set<string>()
  netCrypto: NetCrypto
  /** Every connection that peers have opened to us. */
  readonly incoming: { readonly connection: Connection; readonly told: Told }[] = []
  path: Path
  /** Who takes incoming connections instead of the list. */
  onIncoming: ((connection: Connection) => void) | null = null
  readonly #sea: Sea
  readonly #seed: string
  #runs = 0

  constructor(sea: Sea, seed: string, port: number) {
    this.#sea = sea
    this.#seed = seed
    this.real = new KeyPair(seededBytes(`${seed} real`)(32))
    this.dht = new KeyPair(seededBytes(`${seed} dht`)(32))
    this.path = udpPath({ host: '10.0.0.1', port })
    this.netCrypto = this.#make()
  }

  /** Starts again, with nothing but its identity. */
  restart(port: number): void {
    this.#runs += 1
    this.dht = new KeyPair(seededBytes(`${this.#seed} dht ${this.#runs}`)(32))
    this.#sea.peers.delete(this.path.id)
    this.path = udpPath({ host: '10.0.0.1', port })
    this.#sea.peers.set(this.path.id, this)
    this.netCrypto = this.#make()
  }

  befriend(other: Peer): void {
    this.wanted.add(other.real.name)
    other.wanted.add(this.real.name)
  }

  dial(other: Peer): { readonly connection: Connection; readonly told: Told } {
    const now = this.#sea.clock.now()
    const to = { realKey: other.real.name, dhtKey: other.dht.name, paths: [other.path] }
    const connection = this.netCrypto.connect(to, now)
    const told = new Told()
    if (connection.phase !== 'closed') connection.events = told
    return { connection, told }
  }

  #make(): NetCrypto {
    const random = seededBytes(`${this.#seed} random ${this.#runs}`)
    const { real, dht } = this
    return new NetCrypto(
      {
        real,
        dht,
        realShared: new SharedKeys(real),
        dhtShared: new SharedKeys(dht),
        cookies: new CookieJar(random),
        random,
      },
      {
        send: (to, packet) => this.#sea.carry(this, to, packet),
        isWanted: (realKey) => this.wanted.has(realKey),
        incoming: (connection) => {
          if (this.onIncoming) {
            this.onIncoming(connection)
            return
          }
          const told = new Told()
          connection.events = told
          this.incoming.push({ connection, told })
        },
      },
    )
  }
}

/** Nodes and the water between them, on virtual time. */
export class Sea {
  readonly clock = new VirtualClock()
  readonly peers = new Map<string, Peer>()
  /** Everything that was sent, lost or not. */
  readonly log: { readonly from: Peer; readonly to: Path; readonly packet: Uint8Array }[] = []
  weather: Weather
  readonly #random: () => number

  constructor(seed: number, weather: Weather = calm) {
    this.weather = weather
    this.#random = seededRandom(seed)
    this.clock.sweep(50, (now) => {
      for (const peer of this.peers.values()) peer.netCrypto.tick(now)
    })
  }

  peer(name: string): Peer {
    const peer = new Peer(this, name, 1000 + this.peers.size)
    this.peers.set(peer.path.id, peer)
    return peer
  }

  carry(from: Peer, to: Path, packet: Uint8Array): void {
    this.log.push({ from, to, packet: Uint8Array.from(packet) })
    const { loss, twice, latency } = this.weather
    const copies = this.#random() < loss ? 0 : this.#random() < twice ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      const ms = latency[0] + this.#random() * (latency[1] - latency[0])
      this.clock.after(ms, () => {
        this.peers.get(to.id)?.netCrypto.receive(packet, from.path, this.clock.now())
      })
    }
  }
}
