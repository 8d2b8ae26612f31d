import { Buffer } from 'node:buffer'
import { hex, keyBytes } from './identity.js'
import { type MessageBody, maxNameBytes, messageIds } from './packets.js'

const malformed: MessageBody = { kind: 'malformed' }

/** Reads what a message of this id says (spec 2). */
export function decodeMessageBody(messageId: number, data: Buffer): MessageBody {
  switch (messageId) {
    case messageIds.ping:
      return { kind: 'ping' }
    case messageIds.newPeer:
      return data.length === 2 + 2 * keyBytes ? newPeer(data) : malformed
    case messageIds.leave:
    case messageIds.freeze:
      if (data.length !== 2) return malformed
      return { kind: messageId === messageIds.leave ? 'leave' : 'freeze', peerNumber: data.readUInt16BE(0) }
    case messageIds.name:
      return data.length > maxNameBytes ? malformed : { kind: 'name', name: copyOf(data) }
    case messageIds.title:
      if (data.length === 0 || data.length > maxNameBytes) return malformed
      return { kind: 'title', title: copyOf(data) }
    case messageIds.chat:
    case messageIds.action:
      if (data.length === 0) return malformed
      return { kind: messageId === messageIds.chat ? 'chat' : 'action', text: copyOf(data) }
    default:
      return { kind: 'unknown' }
  }
}

function newPeer(data: Buffer): MessageBody {
  return {
    kind: 'new-peer',
    peerNumber: data.readUInt16BE(0),
    realKey: hex(data.subarray(2, 2 + keyBytes)),
    dhtKey: hex(data.subarray(2 + keyBytes)),
  }
}

/** With memory of its own: what is kept for hours must not hold a piece of the pool that everybody's packets went through. */
function copyOf(data: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(data.length)
  copy.set(data)
  return copy
}
