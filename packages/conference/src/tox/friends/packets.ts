import { Buffer } from 'node:buffer'
import { view } from '../../wire/identity.js'

/** First bytes of packets on a friend connection (spec 12.5, 12.6). */
export const friendIds = {
  alive: 16,
  shareRelays: 17,
  friendRequest: 18,
  online: 24,
  offline: 25,
  name: 48,
  statusMessage: 49,
  status: 50,
  typing: 51,
  message: 64,
  action: 65,
} as const

/** Longest name of a friend, in bytes of UTF-8. */
export const maxFriendNameBytes = 128
/** Longest status message, in bytes of UTF-8. */
export const maxStatusMessageBytes = 1007
/** Longest private message, in bytes of UTF-8. */
export const maxPrivateMessageBytes = 1372
/** Longest text of a friend request, in bytes of UTF-8. */
const maxRequestTextBytes = 1016

/** What a friend says of its availability. */
export type FriendStatus = 'available' | 'away' | 'busy'

const statuses: readonly FriendStatus[] = ['available', 'away', 'busy']

/** A packet on a friend connection that is not of a conference. */
export type FriendPacket =
  | { readonly kind: 'alive' | 'online' | 'offline' }
  | { readonly kind: 'friend-request'; readonly nospam: number; readonly text: string }
  | { readonly kind: 'name' | 'status-message' | 'message' | 'action'; readonly text: string }
  | { readonly kind: 'status'; readonly status: FriendStatus }
  | { readonly kind: 'typing'; readonly isTyping: boolean }

/** Writes a packet. */
export function encodeFriendPacket(packet: FriendPacket): Uint8Array {
  switch (packet.kind) {
    case 'alive':
    case 'online':
    case 'offline':
      return Buffer.of(friendIds[packet.kind])
    case 'friend-request': {
      const head = Buffer.alloc(5)
      head[0] = friendIds.friendRequest
      head.writeUInt32BE(packet.nospam, 1)
      return Buffer.concat([head, Buffer.from(packet.text)])
    }
    case 'name':
    case 'message':
    case 'action':
      return Buffer.concat([Buffer.of(friendIds[packet.kind]), Buffer.from(packet.text)])
    case 'status-message':
      return Buffer.concat([Buffer.of(friendIds.statusMessage), Buffer.from(packet.text)])
    case 'status':
      return Buffer.of(friendIds.status, statuses.indexOf(packet.status))
    case 'typing':
      return Buffer.of(friendIds.typing, packet.isTyping ? 1 : 0)
  }
}

/** Reads a packet; `null` if it is unknown or malformed. */
export function decodeFriendPacket(bytes: Uint8Array): FriendPacket | null {
  const body = view(bytes).subarray(1)
  switch (bytes[0]) {
    case friendIds.alive:
      return { kind: 'alive' }
    case friendIds.online:
      return { kind: 'online' }
    case friendIds.offline:
      return { kind: 'offline' }
    case friendIds.friendRequest:
      if (body.length <= 4 || body.length > 4 + maxRequestTextBytes) return null
      return { kind: 'friend-request', nospam: body.readUInt32BE(0), text: body.toString('utf8', 4) }
    case friendIds.name:
      return body.length <= maxFriendNameBytes ? { kind: 'name', text: body.toString() } : null
    case friendIds.statusMessage:
      return body.length <= maxStatusMessageBytes ? { kind: 'status-message', text: body.toString() } : null
    case friendIds.status: {
      const status = body.length === 1 ? statuses[body[0] ?? 0xff] : undefined
      return status ? { kind: 'status', status } : null
    }
    case friendIds.typing:
      return body.length === 1 ? { kind: 'typing', isTyping: body[0] !== 0 } : null
    case friendIds.message:
      return body.length > 0 ? { kind: 'message', text: body.toString() } : null
    case friendIds.action:
      return body.length > 0 ? { kind: 'action', text: body.toString() } : null
    default:
      return null
  }
}

/** Whether the packet belongs to the conferences: 0x60 to 0x64 in order, 0xC7 perhaps lost. */
export function isConferencePacket(bytes: Uint8Array): boolean {
  const [id = 0] = bytes
  return (id >= 0x60 && id <= 0x64) || id === 0xc7
}
