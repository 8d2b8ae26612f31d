import type { ConferenceIdentifier, DhtKey, RealKey } from './identity.js'

/** Bytes of the largest packet that a friend connection takes. */
export const maxPacketBytes = 1373

/** Bytes of the largest chat or action text: a packet without the header of a message (spec 1). */
export const maxTextBytes = 1363

/** Bytes of the longest name or title (spec 1). */
export const maxNameBytes = 128

/** First bytes of packets. All but the last travel on the lossless channel (spec 2). */
export const packetIds = {
  invite: 0x60,
  online: 0x61,
  direct: 0x62,
  message: 0x63,
  rejoin: 0x64,
  lossy: 0xc7,
} as const

/** Ids of what happens in a packet of kind 0x62. */
export const directIds = { introduced: 0x01, query: 0x08, response: 0x09, title: 0x0a } as const

/** Direct packets that old peers ignore without any side effect: room for our own (spec 8.1, E2). */
export const extensionIds = { first: 0xe0, last: 0xef } as const

/** Ids of messages, which are relayed through the whole conference. */
export const messageIds = {
  ping: 0x00,
  newPeer: 0x10,
  leave: 0x11,
  freeze: 0x12,
  name: 0x30,
  title: 0x31,
  chat: 0x40,
  action: 0x41,
} as const

/** A member as a Peer Response describes it. */
export interface PeerEntry {
  readonly peerNumber: number
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
  /** At most {@link maxNameBytes}; empty when it has none. */
  readonly name: Uint8Array
}

/** What a message says. A `malformed` or `unknown` one has still used up its message number. */
export type MessageBody =
  | { readonly kind: 'ping' }
  | {
      readonly kind: 'new-peer'
      readonly peerNumber: number
      readonly realKey: RealKey
      readonly dhtKey: DhtKey
    }
  | { readonly kind: 'leave' | 'freeze'; readonly peerNumber: number }
  | { readonly kind: 'name'; readonly name: Uint8Array }
  | { readonly kind: 'title'; readonly title: Uint8Array }
  | { readonly kind: 'chat' | 'action'; readonly text: Uint8Array }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unknown' }

/** A message of a member, passed on by others. `conference` is the number that its receiver uses. */
export interface MessagePacket {
  readonly kind: 'message'
  readonly conference: number
  /** The author's peer number. */
  readonly author: number
  readonly messageNumber: number
  readonly messageId: number
  readonly body: MessageBody
}

/** A datagram of a member, such as a frame of sound. */
export interface LossyPacket {
  readonly kind: 'lossy'
  readonly conference: number
  readonly author: number
  readonly lossyNumber: number
  readonly messageId: number
  readonly data: Uint8Array
}

/**
 * A packet between two members (spec 2). `conference` and `receiver` are the number that the receiver uses for the
 * conference, `sender` the one that the sender uses.
 */
export type ConferencePacket =
  | { readonly kind: 'invite'; readonly sender: number; readonly identifier: ConferenceIdentifier }
  | {
      readonly kind: 'invite-accept'
      readonly sender: number
      readonly receiver: number
      readonly identifier: ConferenceIdentifier
    }
  | {
      readonly kind: 'invite-member'
      readonly sender: number
      readonly receiver: number
      readonly identifier: ConferenceIdentifier
      /** The sender's peer number. */
      readonly peerNumber: number
    }
  | { readonly kind: 'online'; readonly sender: number; readonly identifier: ConferenceIdentifier }
  | { readonly kind: 'rejoin'; readonly identifier: ConferenceIdentifier }
  | { readonly kind: 'peer-introduced' | 'peer-query'; readonly conference: number }
  | { readonly kind: 'peer-response'; readonly conference: number; readonly entries: readonly PeerEntry[] }
  | { readonly kind: 'title-response'; readonly conference: number; readonly title: Uint8Array }
  | {
      readonly kind: 'extension'
      readonly conference: number
      /** One of {@link extensionIds}. */
      readonly id: number
      readonly data: Uint8Array
    }
  | MessagePacket
  | LossyPacket
