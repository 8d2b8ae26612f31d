/**
 * What a front and a back say to each other. A frame is a length (4 bytes, big-endian, of what follows), a type
 * (1 byte) and a body; handles are 6 bytes, chosen by the front, and never used twice on one link.
 */
import { Buffer } from 'node:buffer'
import type { Newcomer } from '../gatekeeper.js'
import type { TunnelEnd, TunnelRequest } from '../tunnel.js'
import type { PacketFormat } from '../wire/packet-format.js'

/** Counts up when a frame changes its meaning: both sides must speak the same. */
export const splitVersion = 1
/** Longest frame that is accepted: Telegram's longest packet, and some room. */
export const maxSplitFrameBytes = 2 ** 24 + 1024

/** Names something that a front asked for, on one link. */
export type SplitHandle = number

/**
 * A message of the split link.
 *
 * Both sides: `hello` first, then `ping` and `pong`. `goodbye` of the back: it goes away within so many ms, and is asked
 * nothing more; of the front, in answer to it: nobody waits for the back any more.
 *
 * Of a tunnel, by the front: `open`; `packet`, at most one that is not answered by `sent`; `delivered`, credits; `close`. By
 * the back: `packet`, `quick-ack`; `sent`, the packet has left, or is kept for good; `hold` and `ready`, the client must
 * not be read meanwhile; `closed`, the last one.
 *
 * Of a newcomer, by the front: `admit` (without a replay key: it was let in before, on an earlier link), `transferred`,
 * `leave`. By the back: `verdict`, then possibly `quota-used`.
 */
export type SplitMessage =
  | { readonly kind: 'hello'; readonly version: number; readonly node: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'goodbye'; readonly within: number }
  | { readonly kind: 'open'; readonly handle: SplitHandle; readonly request: TunnelRequest }
  | {
      readonly kind: 'packet'
      readonly handle: SplitHandle
      readonly quickAck: boolean
      /** A view of the frame. */
      readonly payload: Uint8Array
    }
  | { readonly kind: 'quick-ack'; readonly handle: SplitHandle; readonly confirm: Uint8Array }
  | {
      readonly kind: 'sent' | 'hold' | 'ready' | 'close' | 'leave' | 'quota-used'
      readonly handle: SplitHandle
    }
  | { readonly kind: 'closed'; readonly handle: SplitHandle; readonly why: TunnelEnd }
  | {
      readonly kind: 'delivered'
      readonly handle: SplitHandle
      readonly packets: number
      readonly bytes: number
    }
  | { readonly kind: 'admit'; readonly handle: SplitHandle; readonly newcomer: Newcomer }
  | { readonly kind: 'verdict'; readonly handle: SplitHandle; readonly verdict: SplitVerdict }
  | { readonly kind: 'transferred'; readonly handle: SplitHandle; readonly bytes: number }

/** What a back decided about a newcomer. */
export type SplitVerdict = 'admitted' | 'replay_session_detected' | 'policy_error'

/** The types of frames. Numbers are never used again. */
export const splitTypes = {
  hello: 1,
  ping: 2,
  pong: 3,
  goodbye: 4,
  open: 5,
  packet: 6,
  'quick-ack': 7,
  sent: 8,
  hold: 9,
  ready: 10,
  close: 11,
  closed: 12,
  delivered: 13,
  admit: 14,
  verdict: 15,
  transferred: 16,
  leave: 17,
  'quota-used': 18,
} as const satisfies Record<SplitMessage['kind'], number>

/** Verdicts by their number on the wire. */
export const splitVerdicts: readonly SplitVerdict[] = ['admitted', 'replay_session_detected', 'policy_error']

/** Ends of tunnels by their number on the wire. */
export const splitEnds: readonly TunnelEnd[] = [
  'closed',
  'closed-by-telegram',
  'mid-send',
  'no-connection',
  'park-full',
  'park-expired',
  'unknown-dc',
  'overflow',
  'back-lost',
]

/** Packet formats by their number on the wire. */
export const splitFormats: readonly PacketFormat[] = ['abridged', 'intermediate', 'padded']

const lengthBytes = 4
const headBytes = lengthBytes + 1
const handleBytes = 6

/** Writes one message as a frame. Names longer than 255 bytes are cut. */
export function encodeSplitMessage(message: SplitMessage): Buffer {
  switch (message.kind) {
    case 'hello':
      return frame('hello', Buffer.from([message.version]), text(message.node))
    case 'ping':
    case 'pong':
      return frame(message.kind)
    case 'goodbye':
      return frame('goodbye', u32(message.within))
    case 'open':
      return encodeOpen(message.handle, message.request)
    case 'packet':
      return encodePacket(message.handle, message.payload, message.quickAck)
    case 'quick-ack':
      return frame('quick-ack', handle(message.handle), message.confirm)
    case 'sent':
    case 'hold':
    case 'ready':
    case 'close':
    case 'leave':
    case 'quota-used':
      return frame(message.kind, handle(message.handle))
    case 'closed':
      return frame('closed', handle(message.handle), Buffer.from([splitEnds.indexOf(message.why)]))
    case 'delivered':
      return frame('delivered', handle(message.handle), u32(message.packets), u32(message.bytes))
    case 'admit':
      return encodeAdmit(message.handle, message.newcomer)
    case 'verdict':
      return frame('verdict', handle(message.handle), Buffer.from([splitVerdicts.indexOf(message.verdict)]))
    case 'transferred':
      return frame('transferred', handle(message.handle), u32(message.bytes))
  }
}

/** The hot one: a single buffer, a single copy. */
function encodePacket(of: SplitHandle, payload: Uint8Array, quickAck: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + handleBytes + 1 + payload.length)
  bytes.writeUInt32BE(bytes.length - lengthBytes, 0)
  bytes[lengthBytes] = splitTypes.packet
  bytes.writeUIntBE(of, headBytes, handleBytes)
  bytes[headBytes + handleBytes] = quickAck ? 1 : 0
  bytes.set(payload, headBytes + handleBytes + 1)
  return bytes
}

function encodeOpen(of: SplitHandle, request: TunnelRequest): Buffer {
  const { dcId, ip, port, adTag, format, listener } = request
  const fixed = Buffer.alloc(6)
  fixed.writeInt16BE(dcId, 0)
  fixed.writeUInt16BE(port, 2)
  fixed[4] = splitFormats.indexOf(format)
  fixed[5] = adTag === null ? 0 : 1
  return frame('open', handle(of), fixed, ip, adTag ?? Buffer.alloc(0), text(listener))
}

function encodeAdmit(of: SplitHandle, newcomer: Newcomer): Buffer {
  const { listener, secret, ip, sni, replayKey } = newcomer
  const key = replayKey ?? Buffer.alloc(0)
  const names = [listener, secret, ip, sni ?? ''].map(text)
  return frame(
    'admit',
    handle(of),
    Buffer.from([sni === null ? 0 : 1]),
    ...names,
    Buffer.from([key.length]),
    key,
  )
}

function frame(kind: SplitMessage['kind'], ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(headBytes)
  const bytes = Buffer.concat([head, ...parts])
  bytes.writeUInt32BE(bytes.length - lengthBytes, 0)
  bytes[lengthBytes] = splitTypes[kind]
  return bytes
}

function handle(of: SplitHandle): Buffer {
  const bytes = Buffer.alloc(handleBytes)
  bytes.writeUIntBE(of, 0, handleBytes)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Math.min(value, 0xffffffff))
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value).subarray(0, 255)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}
