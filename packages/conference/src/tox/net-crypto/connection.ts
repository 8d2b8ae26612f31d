import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import { type DhtKey, hex, type RealKey, view } from '../../wire/identity.js'
import { KeyPair, nonceBytes, type RandomBytes, type SharedKey } from '../crypto/box.js'
import type { SharedKeys } from '../crypto/shared-keys.js'
import { Channel } from './channel.js'
import type { CookieJar } from './cookies.js'
import { type Handshake, openCookieResponse, sealCookieRequest, sealHandshake } from './packets.js'
import { type Path, Paths } from './path.js'

/** What all connections of a node go by. */
export interface ConnectionContext {
  /** Our identity. */
  readonly real: KeyPair
  /** Of this run of the process. */
  readonly dht: KeyPair
  readonly realShared: SharedKeys
  readonly dhtShared: SharedKeys
  readonly cookies: CookieJar
  readonly random: RandomBytes
}

/** Why a connection is over without our doing. */
export type ConnectionEnd =
  /** The other side has closed it. */
  | 'killed'
  /** Nobody answered. */
  | 'unreachable'
  /** The node answered but not as who it was taken for, or it does not want us. */
  | 'refused'
  /** The other side has started again; there is a new connection. */
  | 'superseded'

/** What a connection tells. Payloads are valid during the call only. */
export interface ConnectionEvents {
  /** Both sides are sure of each other. */
  up(): void
  message(payload: Uint8Array): void
  datagramHeard(payload: Uint8Array): void
  /** Some of what was sent is acknowledged. */
  progress(): void
  /** Exactly once, unless we close it. */
  ended(why: ConnectionEnd): void
}

/** What a connection needs of the node. */
export interface ConnectionPorts {
  send(path: Path, packet: Uint8Array): void
  /** It is up; told before its own events are. */
  up(connection: Connection): void
}

/** How often what gets no answer is sent again, and how many times in all. */
const retryEveryMs = 1000
const mostTries = 8
/** The same for a node that was only guessed to be the peer's. */
const mostTriesOfGuess = 2

/**
 * One connection to one node, from asking for a cookie to its end (spec 12.3): cookie → handshake → unconfirmed → up.
 * Bytes, the time and random numbers are handed in.
 */
export class Connection {
  readonly realKey: RealKey
  readonly paths = new Paths()
  events: ConnectionEvents | null = null
  readonly #context: ConnectionContext
  readonly #ports: ConnectionPorts
  readonly #session: KeyPair
  readonly #baseNonce: Uint8Array
  readonly #echo: Uint8Array
  #phase: 'idle' | 'asking' | 'greeting' | 'unconfirmed' | 'up' | 'closed' = 'idle'
  #dhtKey: Uint8Array
  /** What is sent until it is answered. */
  #pending: Uint8Array | null = null
  #triedAt: Millis = 0
  #tries = 0
  #mostTries = mostTries
  #theirSession: DhtKey | null = null
  #channel: Channel | null = null
  #now: Millis = 0

  constructor(
    context: ConnectionContext,
    peer: { readonly realKey: Uint8Array; readonly dhtKey: Uint8Array },
    ports: ConnectionPorts,
  ) {
    this.#context = context
    this.#ports = ports
    this.realKey = hex(peer.realKey)
    this.#dhtKey = peer.dhtKey
    this.#session = new KeyPair(context.random(32))
    this.#baseNonce = context.random(nonceBytes)
    this.#echo = context.random(8)
  }

  get phase(): 'idle' | 'asking' | 'greeting' | 'unconfirmed' | 'up' | 'closed' {
    return this.#phase
  }

  /** Of the node that we take it for; proved once the connection is up. */
  get dhtKey(): DhtKey {
    return hex(this.#dhtKey)
  }

  /** Bytes of lossless packets that have not been acknowledged. */
  get unacknowledged(): number {
    return this.#channel?.unacknowledged ?? 0
  }

  /** Asks for a cookie, by all known paths. A guess is given up soon. */
  start(now: Millis, isGuess = false): void {
    if (this.#phase !== 'idle') return
    if (isGuess) this.#mostTries = mostTriesOfGuess
    const shared = this.#context.dhtShared.toward(this.#dhtKey)
    if (!shared) {
      this.#end('unreachable')
      return
    }
    const { dht, real, random } = this.#context
    const request = { realKey: real.publicKey, echo: this.#echo }
    this.#phase = 'asking'
    this.#insist(sealCookieRequest(dht.publicKey, shared, random(nonceBytes), request), now)
  }

  /** A cookie response came. Returns whether it answers our request. */
  cookie(packet: Uint8Array, now: Millis): boolean {
    if (this.#phase !== 'asking') return false
    const shared = this.#context.dhtShared.toward(this.#dhtKey)
    const cookie = shared && openCookieResponse(packet, shared, this.#echo)
    if (!cookie) return false
    this.#phase = 'greeting'
    this.#greet(cookie, now)
    return true
  }

  /** A handshake of this peer came, from a node with this DHT key; its cookie and box have been found good. */
  handshake(handshake: Handshake, dhtKey: Uint8Array, now: Millis): void {
    if (this.#phase === 'up' || this.#phase === 'closed') return
    // The same again: a second channel would use nonces a second time.
    if (this.#theirSession === hex(handshake.sessionKey)) return
    const key = this.#session.agree(handshake.sessionKey)
    if (!key) return
    const isMoved = !view(this.#dhtKey).equals(dhtKey)
    this.#dhtKey = Uint8Array.from(dhtKey)
    this.#theirSession = hex(handshake.sessionKey)
    this.#channel = this.#openChannel(key, handshake.baseNonce, now)
    // Whoever was asked for a cookie has now given one.
    if (isMoved || this.#phase !== 'greeting') this.#greet(handshake.cookie, now)
    this.#phase = 'unconfirmed'
    this.#tries = 0
    this.#mostTries = mostTries
    this.#channel.tick(now)
  }

  /** @returns whether the packet is of this connection */
  data(packet: Uint8Array, from: Path, now: Millis): boolean {
    this.#now = now
    const before = this.unacknowledged
    if (!this.#channel?.receive(packet, now)) return false
    this.paths.heard(from, now)
    if (this.unacknowledged < before) this.events?.progress()
    return true
  }

  /** Sends a payload; its first byte says whether it is lossless. False if it cannot be sent. */
  send(payload: Uint8Array, now: Millis): boolean {
    this.#now = now
    return this.#phase === 'up' && (this.#channel?.send(payload, now) ?? false)
  }

  /** Holds back what arrives. */
  pause(isPaused: boolean): void {
    this.#channel?.pause(isPaused)
  }

  /** Ends it, and says so to the other side if there is one. */
  close(now: Millis): void {
    if (this.#phase === 'closed') return
    this.#now = now
    if (this.#phase === 'up') this.#channel?.kill()
    this.#phase = 'closed'
    this.events = null
  }

  /** Nobody here wants it. */
  refuse(): void {
    this.close(this.#now)
  }

  /** The other side has begun anew. */
  supersede(): void {
    this.#end('superseded')
  }

  tick(now: Millis): void {
    this.#now = now
    this.#channel?.tick(now)
    if (this.#phase === 'up' || !this.#pending || now - this.#triedAt < retryEveryMs) return
    if (this.#tries >= this.#mostTries) this.#end(this.#phase === 'asking' ? 'unreachable' : 'refused')
    else this.#try(now)
  }

  #greet(theirCookie: Uint8Array, now: Millis): void {
    const { realShared, random, cookies } = this.#context
    const realKey = Buffer.from(this.realKey, 'hex')
    const shared = realShared.toward(realKey)
    if (!shared) {
      this.#end('refused')
      return
    }
    const handshake: Handshake = {
      baseNonce: this.#baseNonce,
      sessionKey: this.#session.publicKey,
      cookie: cookies.bake({ realKey, dhtKey: this.#dhtKey }, now),
    }
    this.#insist(sealHandshake(theirCookie, shared, random(nonceBytes), handshake), now)
  }

  #openChannel(key: SharedKey, theirs: Uint8Array, now: Millis): Channel {
    const session = { key, ours: this.#baseNonce, theirs }
    return new Channel(
      session,
      {
        transmit: (packet) => this.#transmit(packet),
        authentic: () => this.#confirm(),
        message: (payload) => this.events?.message(payload),
        datagram: (payload) => this.events?.datagramHeard(payload),
        killed: () => this.#end('killed'),
      },
      now,
    )
  }

  #confirm(): void {
    if (this.#phase !== 'unconfirmed') return
    this.#phase = 'up'
    this.#pending = null
    this.#ports.up(this)
    this.events?.up()
  }

  #insist(packet: Uint8Array, now: Millis): void {
    this.#pending = packet
    this.#tries = 0
    this.#try(now)
  }

  #try(now: Millis): void {
    this.#now = now
    this.#triedAt = now
    this.#tries += 1
    if (this.#pending) this.#transmit(this.#pending)
  }

  #transmit(packet: Uint8Array): void {
    for (const path of this.paths.best(this.#now)) this.#ports.send(path, packet)
  }

  #end(why: ConnectionEnd): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    const { events } = this
    this.events = null
    events?.ended(why)
  }
}
