import { Buffer } from 'node:buffer'
import type { ConferenceIdentifier, DhtKey, RealKey } from './identity.js'
import { view } from './identity.js'
import { type ConferencePacket, directIds, packetIds } from './packets.js'

/** A packet that {@link encodePacket} writes whole; the others have functions of their own. */
export type SimplePacket = Exclude<ConferencePacket, { readonly kind: 'peer-response' | 'message' | 'lossy' }>

/** Writes a packet that is not a message, a lossy packet or a Peer Response. */
export function encodePacket(packet: SimplePacket): Uint8Array {
  switch (packet.kind) {
    case 'invite':
      return withIdentifier([packetIds.invite, 0, ...u16(packet.sender)], packet.identifier)
    case 'invite-accept':
      return withIdentifier(
        [packetIds.invite, 1, ...u16(packet.sender), ...u16(packet.receiver)],
        packet.identifier,
      )
    case 'invite-member':
      return withIdentifier(
        [packetIds.invite, 2, ...u16(packet.sender), ...u16(packet.receiver)],
        packet.identifier,
        u16(packet.peerNumber),
      )
    case 'online':
      return withIdentifier([packetIds.online, ...u16(packet.sender)], packet.identifier)
    case 'rejoin':
      return withIdentifier([packetIds.rejoin], packet.identifier)
    case 'peer-introduced':
      return direct(packet.conference, directIds.introduced)
    case 'peer-query':
      return direct(packet.conference, directIds.query)
    case 'title-response':
      return direct(packet.conference, directIds.title, packet.title)
    case 'extension':
      return direct(packet.conference, packet.id, packet.data)
  }
}

/** A message of a member; its conference number is still to be set, by {@link withConference}. */
export function encodeMessage(
  author: number,
  messageNumber: number,
  id: number,
  data: Uint8Array,
): Uint8Array {
  const packet = Buffer.alloc(10 + data.length)
  packet[0] = packetIds.message
  packet.writeUInt16BE(author, 3)
  packet.writeUInt32BE(messageNumber, 5)
  packet[9] = id
  packet.set(data, 10)
  return packet
}

/** A lossy packet of a member; its conference number is still to be set, by {@link withConference}. */
export function encodeLossy(author: number, lossyNumber: number, id: number, data: Uint8Array): Uint8Array {
  const packet = Buffer.alloc(8 + data.length)
  packet[0] = packetIds.lossy
  packet.writeUInt16BE(author, 3)
  packet.writeUInt16BE(lossyNumber, 5)
  packet[7] = id
  packet.set(data, 8)
  return packet
}

/** A copy of a message or lossy packet for a receiver that calls the conference `conference`. */
export function withConference(packet: Uint8Array, conference: number): Uint8Array {
  const copy = Buffer.from(packet)
  copy.writeUInt16BE(conference, 1)
  return copy
}

/** The data of a New Peer message. */
export function newPeerData(peerNumber: number, realKey: RealKey, dhtKey: DhtKey): Uint8Array {
  return Buffer.concat([Buffer.from(u16(peerNumber)), Buffer.from(realKey + dhtKey, 'hex')])
}

/** The data of a Leave or Freeze message. */
export function peerNumberData(peerNumber: number): Uint8Array {
  return Buffer.from(u16(peerNumber))
}

function direct(conference: number, id: number, data: Uint8Array = new Uint8Array()): Uint8Array {
  return Buffer.concat([Buffer.from([packetIds.direct, ...u16(conference), id]), view(data)])
}

function withIdentifier(
  head: readonly number[],
  identifier: ConferenceIdentifier,
  tail: readonly number[] = [],
): Uint8Array {
  return Buffer.concat([Buffer.from(head), Buffer.from(identifier, 'hex'), Buffer.from(tail)])
}

function u16(value: number): [number, number] {
  return [(value >>> 8) & 0xff, value & 0xff]
}
