import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import { type DhtKey, hex } from '../../wire/identity.js'
import { type KeyPair, nonceBytes, type RandomBytes, type SharedKey } from '../crypto/box.js'
import type { SharedKeys } from '../crypto/shared-keys.js'
import { RateLimit } from '../limits/rate-limit.js'
import type { DropReason } from '../traffic.js'
import { type Address, addressText, isLocal, isUsable } from './address.js'
import type { NodeInfo } from './packed-nodes.js'
import {
  type DhtMessage,
  type DhtResponse,
  decodeLanDiscovery,
  dhtSender,
  encodeLanDiscovery,
  mostNodes,
  openDht,
  requestIdBytes,
  sealDht,
} from './packets.js'
import { type KnownNode, RoutingTable } from './routing-table.js'
import { Search } from './search.js'

/** What the hash table needs of the world. */
export interface DhtPorts {
  send(to: Address, packet: Uint8Array): void
  /** A node that is searched for, or any of the local network, has answered from there. */
  found(node: NodeInfo, isLocal: boolean): void
}

/** Who we are in the hash table. */
export interface DhtContext {
  readonly keys: KeyPair
  readonly shared: SharedKeys
  readonly random: RandomBytes
}

const pingEveryMs = 60_000
const askForSelfEveryMs = 20_000
const bootstrapEveryMs = 5_000
const answerWithinMs = 5_000
/** Requests that wait for an answer. */
const mostPending = 512
/** Requests in a second: nobody must be able to have us flood anybody. */
const requestsPerSecond = 50
/** Of these, to nodes that we were told of and do not look for: so many are enough to keep the table full. */
const curiosityPerSecond = 10
/** Calls of the local network that are answered, each with two requests. */
const callsPerSecond = 5
/** Nodes that may be searched for at a time. */
const mostSearches = 256

interface Pending {
  readonly dhtKey: DhtKey
  readonly at: Millis
  readonly isLocal: boolean
  readonly isPing: boolean
}

/**
 * A small node of the distributed hash table: it answers everybody, keeps nodes that answer, and looks for those whose
 * DHT keys it is told (spec 12.4). Pure: packets and the time are handed in.
 */
export class Dht {
  readonly #context: DhtContext
  readonly #ports: DhtPorts
  readonly #table: RoutingTable
  readonly #searches = new Map<DhtKey, Search>()
  readonly #pending = new Map<string, Pending>()
  readonly #bootstrap = new Map<string, NodeInfo>()
  readonly #limit = new RateLimit(requestsPerSecond, 2 * requestsPerSecond)
  readonly #curiosity = new RateLimit(curiosityPerSecond, 2 * curiosityPerSecond)
  readonly #calls = new RateLimit(callsPerSecond, 4 * callsPerSecond)
  readonly #pingedAt = new Map<DhtKey, Millis>()
  #askedForSelfAt: Millis | null = null
  #bootstrappedAt: Millis | null = null

  constructor(context: DhtContext, ports: DhtPorts) {
    this.#context = context
    this.#ports = ports
    this.#table = new RoutingTable(context.keys.name)
  }

  /** How many nodes have answered of late. */
  get size(): number {
    return this.#table.size
  }

  /** Nodes by which to get in; asked until somebody answers, and whenever nobody does any more. */
  bootstrap(nodes: Iterable<NodeInfo>): void {
    for (const node of nodes) this.#bootstrap.set(addressText(node.address), node)
    this.#bootstrappedAt = null
  }

  /** Looks for a node until told to stop. */
  search(dhtKey: DhtKey, now: Millis): void {
    if (this.#searches.has(dhtKey) || this.#searches.size >= mostSearches) return
    const search = new Search(dhtKey)
    this.#searches.set(dhtKey, search)
    for (const node of this.#table.nearest(dhtKey, mostNodes)) search.offer(node)
    this.#pursue(search, now)
  }

  /** Looks for a node no more. */
  stopSearch(dhtKey: DhtKey): void {
    this.#searches.delete(dhtKey)
  }

  /** Where a node is, if it answered of late. */
  whereIs(dhtKey: DhtKey): KnownNode | undefined {
    return this.#table.get(dhtKey)
  }

  /** Tells an address of the local network of us; who is there answers with a request. */
  callOut(to: Address): void {
    this.#ports.send(to, encodeLanDiscovery(this.#context.keys.publicKey))
  }

  /** A packet came. Anything can be in it. Returns why it was not used, or `null`. */
  receive(packet: Uint8Array, from: Address, now: Millis): DropReason | null {
    const neighbour = decodeLanDiscovery(packet)
    if (neighbour !== null) return this.#calledBy(neighbour, from, now)
    const sender = dhtSender(packet)
    if (!sender || hex(sender) === this.#context.keys.name) return 'unreadable'
    const shared = this.#context.shared.from(sender, now)
    if (!shared) return 'stranger-limit'
    const message = openDht(packet, shared)
    if (!message) return 'unreadable'
    const dhtKey = hex(sender)
    switch (message.kind) {
      case 'ping-request':
        this.#seal(shared, from, { kind: 'ping-response', id: message.id })
        this.#consider({ dhtKey, address: from }, now)
        return null
      case 'nodes-request': {
        const nodes = this.#table.nearest(hex(message.wanted), mostNodes)
        // An empty answer makes real nodes forget us, no answer does not.
        if (nodes.length > 0) this.#seal(shared, from, { kind: 'nodes-response', nodes, id: message.id })
        if (isLocal(from.host)) this.#ports.found({ dhtKey, address: from }, true)
        this.#consider({ dhtKey, address: from }, now)
        return null
      }
      case 'ping-response':
      case 'nodes-response':
        return this.#answered(dhtKey, from, message, now)
    }
  }

  /** Time has passed. Once a second is often enough. */
  tick(now: Millis): void {
    this.#table.sweep(now)
    for (const [id, { at }] of this.#pending) if (now - at > answerWithinMs) this.#pending.delete(id)
    for (const dhtKey of [...this.#pingedAt.keys()]) {
      if (!this.#table.get(dhtKey)) this.#pingedAt.delete(dhtKey)
    }
    this.#bootstrapIfDue(now)
    for (const node of this.#table.all()) {
      if (now - Math.max(node.answeredAt, this.#pingedAt.get(node.dhtKey) ?? 0) < pingEveryMs) continue
      this.#pingedAt.set(node.dhtKey, now)
      this.#ping(node, now)
    }
    if (this.#askedForSelfAt === null || now - this.#askedForSelfAt >= askForSelfEveryMs)
      this.#askForSelf(now)
    for (const search of this.#searches.values()) this.#pursue(search, now)
  }

  #pursue(search: Search, now: Millis): void {
    for (const node of search.due(now)) this.#ask(node, search.wanted, now)
  }

  #bootstrapIfDue(now: Millis): void {
    const isDue = this.#bootstrappedAt === null || now - this.#bootstrappedAt >= bootstrapEveryMs
    if (!isDue || (this.#table.size > 0 && this.#bootstrappedAt !== null)) return
    this.#bootstrappedAt = now
    for (const node of this.#bootstrap.values()) this.#ask(node, this.#context.keys.name, now)
  }

  #askForSelf(now: Millis): void {
    const self = this.#context.keys.name
    const near = this.#table.nearest(self, mostNodes)
    if (near.length > 0) this.#askedForSelfAt = now
    for (const node of near) this.#ask(node, self, now)
    // Somewhere else every time, so that we know nodes far away as well.
    const anywhere = hex(this.#context.random(32))
    for (const node of this.#table.nearest(anywhere, 1)) this.#ask(node, anywhere, now)
  }

  #calledBy(dhtKey: DhtKey, address: Address, now: Millis): DropReason | null {
    if (dhtKey === this.#context.keys.name || !isLocal(address.host)) return 'unreadable'
    if (!this.#calls.take(now)) return 'stranger-limit'
    this.#ask({ dhtKey, address }, this.#context.keys.name, now, true)
    // The answer may be left out by who knows no other nodes; a ping is always answered.
    this.#ping({ dhtKey, address }, now, true)
    return null
  }

  #answered(dhtKey: DhtKey, address: Address, message: DhtResponse, now: Millis): DropReason | null {
    const id = hex(message.id)
    const pending = this.#pending.get(id)
    if (pending?.dhtKey !== dhtKey) return 'unreadable'
    this.#pending.delete(id)
    const node = { dhtKey, address }
    this.#table.answered(dhtKey, address, now)
    for (const search of this.#searches.values()) {
      search.offer(node)
      search.answered(dhtKey, now)
    }
    if (this.#searches.has(dhtKey) || pending.isLocal) this.#ports.found(node, pending.isLocal)
    if (message.kind === 'nodes-response') for (const told of message.nodes) this.#consider(told, now)
    return null
  }

  /**
   * Somebody may be there: asked if it is near to whom we search, and pinged if it would be kept. To a question those who know no
   * nodes give no answer, to a ping everybody does: or nodes that all look for each other would never know one.
   */
  #consider(node: NodeInfo, now: Millis): void {
    if (!isUsable(node.address) || node.dhtKey === this.#context.keys.name) return
    for (const search of this.#searches.values()) if (search.offer(node)) this.#pursue(search, now)
    if (!this.#table.hasRoom(node.dhtKey) || this.#isPinged(node.dhtKey)) return
    if (this.#curiosity.take(now)) this.#ping(node, now)
  }

  #isPinged(dhtKey: DhtKey): boolean {
    for (const pending of this.#pending.values()) if (pending.isPing && pending.dhtKey === dhtKey) return true
    return false
  }

  #ping(node: NodeInfo, now: Millis, isLocal = false): void {
    const id = this.#request(node, now, { isLocal, isPing: true })
    if (id) this.#send(node, { kind: 'ping-request', id })
  }

  #ask(node: NodeInfo, wanted: DhtKey, now: Millis, isLocal = false): void {
    const id = this.#request(node, now, { isLocal, isPing: false })
    if (id) this.#send(node, { kind: 'nodes-request', wanted: Buffer.from(wanted, 'hex'), id })
  }

  #request({ dhtKey }: NodeInfo, now: Millis, how: Pick<Pending, 'isLocal' | 'isPing'>): Uint8Array | null {
    if (this.#pending.size >= mostPending || !this.#limit.take(now)) return null
    const id = this.#context.random(requestIdBytes)
    this.#pending.set(hex(id), { dhtKey, at: now, ...how })
    return id
  }

  #send({ dhtKey, address }: NodeInfo, message: DhtMessage): void {
    const shared = this.#context.shared.toward(Buffer.from(dhtKey, 'hex'))
    if (shared) this.#seal(shared, address, message)
  }

  #seal(shared: SharedKey, to: Address, message: DhtMessage): void {
    const { keys, random } = this.#context
    this.#ports.send(to, sealDht(keys.publicKey, shared, random(nonceBytes), message))
  }
}
