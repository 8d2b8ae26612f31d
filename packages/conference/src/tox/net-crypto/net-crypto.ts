import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import { type DhtKey, hex, type RealKey } from '../../wire/identity.js'
import { nonceBytes } from '../crypto/box.js'
import type { DropReason } from '../traffic.js'
import { Connection, type ConnectionContext } from './connection.js'
import type { CookieOwner } from './cookies.js'
import {
  cookieRequestFrom,
  handshakeCookie,
  openCookieRequest,
  openHandshake,
  packetKinds,
  sealCookieResponse,
} from './packets.js'
import type { Path } from './path.js'

/** Whom to connect to. */
export interface Whither {
  readonly realKey: RealKey
  /** Of the node that is taken for this peer's. */
  readonly dhtKey: DhtKey
  readonly paths: Iterable<Path>
  /** Nobody has said that this node is the peer's: it is given up soon. */
  readonly isGuess?: boolean
}

/** What connections of a node need of the world. */
export interface NetCryptoPorts {
  /** Puts a packet on its way; what cannot be sent is lost. */
  send(path: Path, packet: Uint8Array): void
  /** Whether we would connect to this peer: nobody else can make us remember anything. */
  isWanted(realKey: RealKey): boolean
  /** A peer has connected to us. Unless somebody sets its `events` during the call it is closed. */
  incoming(connection: Connection): void
}

/**
 * All connections of a node: one for each peer, by whichever side it was begun, or by both (spec 12.3).
 *
 * Pure: packets, the time and random numbers are handed in. Nothing is kept of who asks for cookies, and nobody who
 * is not wanted makes a connection, so that it holds no more than twice as many as there are wanted peers.
 */
export class NetCrypto {
  readonly #context: ConnectionContext
  readonly #ports: NetCryptoPorts
  /** The one that is wanted, and while that is up, one that may take its place. */
  readonly #peers = new Map<RealKey, Connection[]>()
  readonly #byPath = new Map<string, Set<Connection>>()

  constructor(context: ConnectionContext, ports: NetCryptoPorts) {
    this.#context = context
    this.#ports = ports
  }

  /** How many there are, in whatever phase. */
  get size(): number {
    let size = 0
    for (const connections of this.#peers.values()) size += connections.length
    return size
  }

  /** Connects to a peer; or finds the connection that it is about to make. */
  connect({ realKey, dhtKey, paths, isGuess = false }: Whither, now: Millis): Connection {
    const begun = this.#peers.get(realKey)?.find(({ phase, events }) => phase !== 'up' && events === null)
    const connection = begun ?? this.#add(Buffer.from(realKey, 'hex'), Buffer.from(dhtKey, 'hex'))
    for (const path of paths) this.addPath(connection, path)
    connection.start(now, isGuess)
    return connection
  }

  /** Another way to the peer of a connection is known. */
  addPath(connection: Connection, path: Path): void {
    const forgotten = connection.paths.add(path)
    if (forgotten) this.#unlist(connection, forgotten.id)
    const listed = this.#byPath.get(path.id) ?? new Set()
    this.#byPath.set(path.id, listed.add(connection))
  }

  /** A node has been found by another way, too. */
  reach(dhtKey: DhtKey, path: Path): void {
    for (const connections of this.#peers.values()) {
      for (const connection of connections) if (connection.dhtKey === dhtKey) this.addPath(connection, path)
    }
  }

  /** Ends a connection, and says so to the peer. */
  close(connection: Connection, now: Millis): void {
    connection.close(now)
    this.#remove(connection)
  }

  /** A packet came. Anything can be in it. Returns why it was not used, or `null`. */
  receive(packet: Uint8Array, from: Path, now: Millis): DropReason | null {
    switch (packet[0]) {
      case packetKinds.cookieRequest:
        return this.#answer(packet, from, now)
      case packetKinds.cookieResponse: {
        let isAsked = false
        for (const connection of this.#byPath.get(from.id) ?? []) {
          if (connection.cookie(packet, now)) isAsked = true
        }
        return isAsked ? null : 'unreadable'
      }
      case packetKinds.handshake:
        return this.#greeted(packet, from, now)
      case packetKinds.data:
        for (const connection of this.#byPath.get(from.id) ?? []) {
          if (connection.data(packet, from, now)) return null
        }
        return 'unreadable'
      default:
        return 'unknown-kind'
    }
  }

  /** Time has passed. About twenty times a second is often enough. */
  tick(now: Millis): void {
    for (const connections of [...this.#peers.values()]) {
      for (const connection of [...connections]) {
        connection.tick(now)
        if (connection.phase === 'closed') this.#remove(connection)
      }
    }
  }

  /** Somebody asks for a cookie: that is all there is to it. */
  #answer(packet: Uint8Array, from: Path, now: Millis): DropReason | null {
    const dhtKey = cookieRequestFrom(packet)
    if (!dhtKey) return 'unreadable'
    const shared = this.#context.dhtShared.from(dhtKey, now)
    if (!shared) return 'stranger-limit'
    const request = openCookieRequest(packet, shared)
    if (!request) return 'unreadable'
    const { cookies, random } = this.#context
    const cookie = cookies.bake({ realKey: request.realKey, dhtKey }, now)
    this.#ports.send(from, sealCookieResponse(shared, random(nonceBytes), cookie, request.echo))
    return null
  }

  #greeted(packet: Uint8Array, from: Path, now: Millis): DropReason | null {
    const cookie = handshakeCookie(packet)
    const owner = cookie && this.#context.cookies.open(cookie, now)
    if (!owner) return 'bad-cookie'
    if (!this.#ports.isWanted(hex(owner.realKey))) return 'unwanted'
    const shared = this.#context.realShared.toward(owner.realKey)
    const handshake = shared && openHandshake(packet, shared)
    if (!handshake) return 'unreadable'
    const connection = this.#for(owner)
    if (!connection) return 'unwanted'
    this.addPath(connection, from)
    connection.handshake(handshake, owner.dhtKey, now)
    if (connection.phase === 'idle') this.#remove(connection)
    return null
  }

  /** Which connection a handshake is for; `null` if the one that is up remains. */
  #for({ realKey, dhtKey }: CookieOwner): Connection | null {
    const known = this.#peers.get(hex(realKey)) ?? []
    const open = known.find(({ phase }) => phase !== 'up' && phase !== 'closed')
    if (open) return open
    // A peer that has a new DHT key was started again, and knows nothing of the old connection.
    const isSame = known.some((connection) => connection.phase === 'up' && connection.dhtKey === hex(dhtKey))
    return isSame ? null : this.#add(realKey, dhtKey)
  }

  #add(realKey: Uint8Array, dhtKey: Uint8Array): Connection {
    const connection = new Connection(
      this.#context,
      { realKey: Uint8Array.from(realKey), dhtKey: Uint8Array.from(dhtKey) },
      { send: (path, packet) => this.#ports.send(path, packet), up: (up) => this.#up(up) },
    )
    const known = this.#peers.get(connection.realKey) ?? []
    this.#peers.set(connection.realKey, [...known, connection])
    return connection
  }

  /** A peer has proved itself: what there was before is over, and if nobody waits for it it is offered. */
  #up(connection: Connection): void {
    for (const other of this.#peers.get(connection.realKey) ?? []) {
      if (other === connection) continue
      other.supersede()
      this.#remove(other)
    }
    if (connection.events === null) this.#ports.incoming(connection)
    // In the middle of a packet of its own: the next tick removes it.
    if (connection.events === null) connection.refuse()
  }

  #remove(connection: Connection): void {
    for (const id of connection.paths.ids) this.#unlist(connection, id)
    const rest = (this.#peers.get(connection.realKey) ?? []).filter((other) => other !== connection)
    if (rest.length > 0) this.#peers.set(connection.realKey, rest)
    else this.#peers.delete(connection.realKey)
  }

  #unlist(connection: Connection, id: string): void {
    const listed = this.#byPath.get(id)
    listed?.delete(connection)
    if (listed?.size === 0) this.#byPath.delete(id)
  }
}
