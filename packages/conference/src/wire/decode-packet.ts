import { Buffer } from 'node:buffer'
import { decodeMessageBody } from './decode-message.js'
import { hex, identifierBytes, view } from './identity.js'
import { type ConferencePacket, directIds, extensionIds, maxPacketBytes, packetIds } from './packets.js'
import { decodePeerEntries } from './peer-list.js'

/**
 * Reads a packet of a friend connection.
 *
 * Lengths are checked as strictly as real peers check them: invitations and Online must have exactly their length,
 * a Rejoin may be longer, the others have a minimum (spec 2). What is returned holds copies, never parts of `bytes`.
 *
 * @returns `null` for what is malformed, of an unknown kind, or of another protocol: to be dropped silently
 */
export function decodePacket(bytes: Uint8Array): ConferencePacket | null {
  if (bytes.length < 4 || bytes.length > maxPacketBytes) return null
  const packet = view(bytes)
  switch (packet[0]) {
    case packetIds.invite:
      return decodeInvitation(packet)
    case packetIds.online:
      if (packet.length !== 3 + identifierBytes) return null
      return { kind: 'online', sender: packet.readUInt16BE(1), identifier: hex(packet.subarray(3)) }
    case packetIds.rejoin:
      if (packet.length < 1 + identifierBytes) return null
      return { kind: 'rejoin', identifier: hex(packet.subarray(1, 1 + identifierBytes)) }
    case packetIds.direct:
      return decodeDirect(packet)
    case packetIds.message:
      return decodeMessage(packet)
    case packetIds.lossy:
      return decodeLossy(packet)
    default:
      return null
  }
}

function decodeInvitation(packet: Buffer): ConferencePacket | null {
  const sender = packet.readUInt16BE(2)
  if (packet[1] === 0 && packet.length === 4 + identifierBytes) {
    return { kind: 'invite', sender, identifier: hex(packet.subarray(4)) }
  }
  const kind = packet[1] === 1 ? 'invite-accept' : 'invite-member'
  const length = kind === 'invite-accept' ? 6 + identifierBytes : 8 + identifierBytes
  if ((packet[1] !== 1 && packet[1] !== 2) || packet.length !== length) return null
  const receiver = packet.readUInt16BE(4)
  const identifier = hex(packet.subarray(6, 6 + identifierBytes))
  if (kind === 'invite-accept') return { kind, sender, receiver, identifier }
  return { kind, sender, receiver, identifier, peerNumber: packet.readUInt16BE(6 + identifierBytes) }
}

function decodeDirect(packet: Buffer): ConferencePacket | null {
  const conference = packet.readUInt16BE(1)
  const id = packet.readUInt8(3)
  const rest = packet.subarray(4)
  if (id === directIds.introduced) return { kind: 'peer-introduced', conference }
  if (id === directIds.query) return { kind: 'peer-query', conference }
  if (id === directIds.response)
    return { kind: 'peer-response', conference, entries: decodePeerEntries(rest) }
  if (id === directIds.title) return { kind: 'title-response', conference, title: Buffer.from(rest) }
  if (id < extensionIds.first || id > extensionIds.last) return null
  return { kind: 'extension', conference, id, data: Buffer.from(rest) }
}

function decodeMessage(packet: Buffer): ConferencePacket | null {
  if (packet.length < 10) return null
  const messageId = packet.readUInt8(9)
  return {
    kind: 'message',
    conference: packet.readUInt16BE(1),
    author: packet.readUInt16BE(3),
    messageNumber: packet.readUInt32BE(5),
    messageId,
    body: decodeMessageBody(messageId, packet.subarray(10)),
  }
}

function decodeLossy(packet: Buffer): ConferencePacket | null {
  if (packet.length < 8) return null
  return {
    kind: 'lossy',
    conference: packet.readUInt16BE(1),
    author: packet.readUInt16BE(3),
    lossyNumber: packet.readUInt16BE(5),
    messageId: packet.readUInt8(7),
    data: Buffer.from(packet.subarray(8)),
  }
}
