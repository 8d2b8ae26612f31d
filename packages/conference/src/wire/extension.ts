import { Buffer } from 'node:buffer'
import { encodePacket } from './encode-packet.js'
import { view } from './identity.js'
import { maxPacketBytes, messageIds } from './packets.js'

/** Ids of our own direct packets, which other software ignores (spec 8.1, E2). */
const ids = { hello: 0xe0, ask: 0xe1, chat: 0xe2, action: 0xe3 } as const

/** Bytes of the longest text that can be told later: the longest text of all but for two bytes of age. */
export const maxLateTextBytes = maxPacketBytes - 12

/** What two peers of this software tell each other about one conference. */
export type Extension =
  /** We understand the rest. Sent on every connection that comes online. */
  | { readonly kind: 'hello' }
  /** Tell what was said in so many seconds before now. */
  | { readonly kind: 'ask'; readonly seconds: number }
  | LateMessage

/** A message that was said while the receiver was away. */
export interface LateMessage {
  readonly kind: 'late'
  /** The author's peer number. */
  readonly author: number
  readonly messageNumber: number
  readonly messageId: typeof messageIds.chat | typeof messageIds.action
  /** In whole minutes, up to 65,535. */
  readonly age: number
  /** 1 to {@link maxLateTextBytes} bytes. */
  readonly text: Uint8Array
}

/** Writes an extension for a receiver that calls the conference `conference`. */
export function encodeExtension(conference: number, extension: Extension): Uint8Array {
  switch (extension.kind) {
    case 'hello':
      return encodePacket({ kind: 'extension', conference, id: ids.hello, data: new Uint8Array() })
    case 'ask': {
      const data = Buffer.alloc(4)
      data.writeUInt32BE(extension.seconds)
      return encodePacket({ kind: 'extension', conference, id: ids.ask, data })
    }
    case 'late': {
      const head = Buffer.alloc(8)
      head.writeUInt16BE(extension.author, 0)
      head.writeUInt32BE(extension.messageNumber, 2)
      head.writeUInt16BE(extension.age, 6)
      const id = extension.messageId === messageIds.chat ? ids.chat : ids.action
      return encodePacket({ kind: 'extension', conference, id, data: Buffer.concat([head, extension.text]) })
    }
  }
}

/**
 * Reads an extension. What is behind the known fields of a hello or ask is ignored: later versions may put more there.
 *
 * @returns `null` for what is malformed, or not known yet
 */
export function decodeExtension(id: number, bytes: Uint8Array): Extension | null {
  const data = view(bytes)
  switch (id) {
    case ids.hello:
      return { kind: 'hello' }
    case ids.ask:
      return data.length < 4 ? null : { kind: 'ask', seconds: data.readUInt32BE(0) }
    case ids.chat:
    case ids.action:
      if (data.length < 9) return null
      return {
        kind: 'late',
        author: data.readUInt16BE(0),
        messageNumber: data.readUInt32BE(2),
        messageId: id === ids.chat ? messageIds.chat : messageIds.action,
        age: data.readUInt16BE(6),
        text: Buffer.from(data.subarray(8)),
      }
    default:
      return null
  }
}
