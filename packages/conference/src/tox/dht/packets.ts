import { Buffer } from 'node:buffer'
import { hex } from '../../wire/identity.js'
import { open, type SharedKey, seal } from '../crypto/box.js'
import { type NodeInfo, packNodes, unpackNodes } from './packed-nodes.js'

/** First bytes of packets of the distributed hash table (spec 12.4). */
export const dhtKinds = {
  pingRequest: 0x00,
  pingResponse: 0x01,
  nodesRequest: 0x02,
  nodesResponse: 0x04,
  lanDiscovery: 0x21,
} as const

/** Bytes by which a request is told from others; echoed by the response. */
export const requestIdBytes = 8

/** Most nodes that a response names. */
export const mostNodes = 4

/** A packet of the hash table without its cover. `id` has 8 bytes. */
export type DhtMessage =
  | { readonly kind: 'ping-request'; readonly id: Uint8Array }
  | { readonly kind: 'nodes-request'; readonly wanted: Uint8Array; readonly id: Uint8Array }
  | DhtResponse

/** A packet that answers a request. */
export type DhtResponse =
  | { readonly kind: 'ping-response'; readonly id: Uint8Array }
  | { readonly kind: 'nodes-response'; readonly nodes: readonly NodeInfo[]; readonly id: Uint8Array }

/** Writes a packet. `dhtKey` is ours, `shared` belongs to it and the receiver's. */
export function sealDht(
  dhtKey: Uint8Array,
  shared: SharedKey,
  nonce: Uint8Array,
  message: DhtMessage,
): Uint8Array {
  const [kind, plain] = encode(message)
  return Buffer.concat([Buffer.of(kind), dhtKey, nonce, seal(shared, nonce, plain)])
}

/** The sender's DHT key, which says by what to open the packet; `null` if it is none. */
export function dhtSender(packet: Uint8Array): Uint8Array | null {
  const [kind = 0xff] = packet
  const isKnown =
    kind === dhtKinds.pingRequest ||
    kind === dhtKinds.pingResponse ||
    kind === dhtKinds.nodesRequest ||
    kind === dhtKinds.nodesResponse
  return isKnown && packet.length >= 82 && packet.length <= 300 ? packet.subarray(1, 33) : null
}

/** What is in a packet; `null` if it was not made with this key, or is malformed. */
export function openDht(packet: Uint8Array, shared: SharedKey): DhtMessage | null {
  const plain = open(shared, packet.subarray(33, 57), packet.subarray(57))
  if (!plain || plain.length < requestIdBytes + 1) return null
  const id = plain.subarray(plain.length - requestIdBytes)
  const body = plain.subarray(0, plain.length - requestIdBytes)
  switch (packet[0]) {
    case dhtKinds.pingRequest:
    case dhtKinds.pingResponse: {
      // The kind is repeated inside, so that a request cannot be sent back as its own answer.
      if (body.length !== 1 || body[0] !== packet[0]) return null
      return { kind: packet[0] === dhtKinds.pingRequest ? 'ping-request' : 'ping-response', id }
    }
    case dhtKinds.nodesRequest:
      return body.length === 32 ? { kind: 'nodes-request', wanted: body, id } : null
    case dhtKinds.nodesResponse: {
      const nodes = unpackNodes(body.subarray(1))
      if (!nodes || nodes.length !== body[0] || nodes.length > mostNodes) return null
      return { kind: 'nodes-response', nodes: nodes.filter(({ via }) => via === 'udp'), id }
    }
    default:
      return null
  }
}

/** Tells the local network of our DHT key. */
export function encodeLanDiscovery(dhtKey: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(dhtKinds.lanDiscovery), dhtKey])
}

/** The DHT key of a node of the local network; `null` if the packet is none such. */
export function decodeLanDiscovery(packet: Uint8Array): string | null {
  return packet[0] === dhtKinds.lanDiscovery && packet.length === 33 ? hex(packet.subarray(1)) : null
}

function encode(message: DhtMessage): readonly [number, Uint8Array] {
  const { id } = message
  switch (message.kind) {
    case 'ping-request':
      return [dhtKinds.pingRequest, Buffer.concat([Buffer.of(dhtKinds.pingRequest), id])]
    case 'ping-response':
      return [dhtKinds.pingResponse, Buffer.concat([Buffer.of(dhtKinds.pingResponse), id])]
    case 'nodes-request':
      return [dhtKinds.nodesRequest, Buffer.concat([message.wanted, id])]
    case 'nodes-response': {
      const nodes = packNodes(message.nodes.map((node) => ({ ...node, via: 'udp' as const })))
      return [dhtKinds.nodesResponse, Buffer.concat([Buffer.of(message.nodes.length), nodes, id])]
    }
  }
}
