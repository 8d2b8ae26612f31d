import { end, type LinkProtocol, type LinkScope } from '@holdfast/core'
import type { DhtKey } from '../../wire/identity.js'
import { KeyPair, nonceBytes, type RandomBytes } from '../crypto/box.js'
import { maxOutOfBandBytes, type RelayFrame } from './frames.js'
import { openOffer, sealHello, welcomeBytes } from './hello.js'
import { RelaySession, type SessionKeys } from './relay-session.js'

/** What a link to a relay needs. */
export interface RelayLinkOptions {
  /** Our DHT key pair. */
  readonly dht: KeyPair
  /** The relay's key. */
  readonly relay: Uint8Array
  readonly random: RandomBytes
  /** Nodes that we want routes to, as soon as we are in. */
  readonly wanted: () => Iterable<DhtKey>
  /** A packet came from a node. Lent. */
  readonly packet: (from: DhtKey, packet: Uint8Array) => void
}

/** Routes of one client: the relay numbers them from 16 to 255. */
export const mostRoutes = 240

/** One connection to a relay: the protocol's object of its lifecycle (spec 12.8). */
export class RelayLink implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #options: RelayLinkOptions
  readonly #keys: KeyPair
  readonly #baseNonce: Uint8Array
  readonly #session: RelaySession
  readonly #asked = new Set<DhtKey>()
  readonly #routes = new Map<number, { readonly dhtKey: DhtKey; isOn: boolean }>()
  readonly #ids = new Map<DhtKey, number>()
  #isFull = false

  constructor(scope: LinkScope, options: RelayLinkOptions) {
    this.#scope = scope
    this.#options = options
    const { dht, relay, random } = options
    this.#keys = new KeyPair(random(32))
    this.#baseNonce = random(nonceBytes)
    this.#session = new RelaySession(welcomeBytes, {
      enter: (welcome) => this.#enter(welcome),
      entered: () => this.#entered(),
      receive: (frame) => this.#receive(frame),
    })
    const shared = dht.agree(relay)
    const offer = { sessionKey: this.#keys.publicKey, baseNonce: this.#baseNonce }
    if (shared) scope.link.write(sealHello(dht.publicKey, shared, random, offer))
    else scope.fail(end('dial-failed', { advice: { kind: 'never' }, detail: 'this is no key of a relay' }))
  }

  /** Wants a route to a node; data can be sent on it once the node wants one to us. */
  want(dhtKey: DhtKey): void {
    if (this.#asked.has(dhtKey) || this.#asked.size >= mostRoutes) return
    this.#asked.add(dhtKey)
    this.#send({ kind: 'route', dhtKey })
  }

  /** Wants none any more. */
  unwant(dhtKey: DhtKey): void {
    const id = this.#ids.get(dhtKey)
    this.#asked.delete(dhtKey)
    this.#ids.delete(dhtKey)
    if (id === undefined) return
    this.#routes.delete(id)
    this.#send({ kind: 'off', id })
  }

  /**
   * Sends a packet to a node: by the route, else apart, which is for handshakes. While the line is full it is lost.
   *
   * @returns whether it goes to the relay
   */
  sendTo(dhtKey: DhtKey, packet: Uint8Array, mayGoApart: boolean): boolean {
    const id = this.#ids.get(dhtKey)
    if (this.#isFull) return false
    if (id !== undefined && this.#routes.get(id)?.isOn) this.#send({ kind: 'data', id, data: packet })
    else if (mayGoApart && packet.length <= maxOutOfBandBytes) {
      this.#send({ kind: 'send-apart', dhtKey, data: packet })
    } else return false
    return true
  }

  data(chunk: Uint8Array): void {
    const failed = this.#session.read(chunk)
    if (failed === 'stranger') {
      this.#scope.fail(end('handshake-refused', { detail: 'this is not the relay of that key' }))
    } else if (failed === 'broken') {
      this.#scope.fail(end('protocol-error', { detail: 'a frame cannot be opened' }))
    }
  }

  probe(): void {
    this.#send({ kind: 'ping', token: this.#options.random(8) })
  }

  writable(): void {
    this.#isFull = false
  }

  #enter(welcome: Uint8Array): SessionKeys | null {
    const { dht, relay } = this.#options
    const shared = dht.agree(relay)
    const offer = shared && openOffer(welcome, shared)
    const key = offer && this.#keys.agree(offer.sessionKey)
    return key && { key, ours: this.#baseNonce, theirs: offer.baseNonce }
  }

  #entered(): void {
    this.#scope.ready()
    for (const dhtKey of this.#options.wanted()) this.want(dhtKey)
  }

  #receive(frame: RelayFrame): void {
    switch (frame.kind) {
      case 'routed': {
        this.#routed(frame.id, frame.dhtKey)
        return
      }
      case 'on':
      case 'off': {
        const route = this.#routes.get(frame.id)
        if (route) route.isOn = frame.kind === 'on'
        return
      }
      case 'ping': {
        this.#send({ kind: 'pong', token: frame.token })
        return
      }
      case 'received-apart': {
        this.#options.packet(frame.dhtKey, frame.data)
        return
      }
      case 'data': {
        const route = this.#routes.get(frame.id)
        if (route) this.#options.packet(route.dhtKey, frame.data)
        return
      }
      case 'route':
      case 'pong':
      case 'send-apart':
        return
    }
  }

  #routed(id: number, dhtKey: DhtKey): void {
    if (id === 0 || !this.#asked.has(dhtKey)) {
      this.#asked.delete(dhtKey)
      return
    }
    this.#ids.set(dhtKey, id)
    this.#routes.set(id, { dhtKey, isOn: false })
  }

  #send(frame: RelayFrame): void {
    const bytes = this.#session.seal(frame)
    if (bytes && this.#scope.link.write(bytes) === 'full') this.#isFull = true
  }
}
