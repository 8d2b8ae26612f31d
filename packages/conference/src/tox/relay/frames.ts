import { Buffer } from 'node:buffer'
import { type DhtKey, hex } from '../../wire/identity.js'

/** Most bytes that travel out of band. */
export const maxOutOfBandBytes = 1024

const firstRoute = 16

/** What is in a frame between a client and a relay (spec 12.8). Data is lent. */
export type RelayFrame =
  /** The client wants a route to a node. */
  | { readonly kind: 'route'; readonly dhtKey: DhtKey }
  /** It has one, under this number; 0 means refused. */
  | { readonly kind: 'routed'; readonly id: number; readonly dhtKey: DhtKey }
  /** The node at the other end of the route wants it, too; or not any more. A client that says `off` gives it up. */
  | { readonly kind: 'on' | 'off'; readonly id: number }
  | { readonly kind: 'ping' | 'pong'; readonly token: Uint8Array }
  /** To a node, or from one, without a route. */
  | { readonly kind: 'send-apart' | 'received-apart'; readonly dhtKey: DhtKey; readonly data: Uint8Array }
  | { readonly kind: 'data'; readonly id: number; readonly data: Uint8Array }

const ids = {
  route: 0,
  routed: 1,
  on: 2,
  off: 3,
  ping: 4,
  pong: 5,
  'send-apart': 6,
  'received-apart': 7,
} as const

/** Writes the content of a frame. */
export function encodeFrame(frame: RelayFrame): Uint8Array {
  switch (frame.kind) {
    case 'route':
      return Buffer.concat([Buffer.of(ids.route), Buffer.from(frame.dhtKey, 'hex')])
    case 'routed':
      return Buffer.concat([Buffer.of(ids.routed, frame.id), Buffer.from(frame.dhtKey, 'hex')])
    case 'on':
    case 'off':
      return Buffer.of(ids[frame.kind], frame.id)
    case 'ping':
    case 'pong':
      return Buffer.concat([Buffer.of(ids[frame.kind]), frame.token])
    case 'send-apart':
    case 'received-apart':
      return Buffer.concat([Buffer.of(ids[frame.kind]), Buffer.from(frame.dhtKey, 'hex'), frame.data])
    case 'data':
      return Buffer.concat([Buffer.of(frame.id), frame.data])
  }
}

/** Reads the content of a frame; `null` if it is malformed, or of a kind that we do not use. */
export function decodeFrame(content: Uint8Array): RelayFrame | null {
  const [id = 0] = content
  const body = content.subarray(1)
  if (id >= firstRoute) return { kind: 'data', id, data: body }
  switch (id) {
    case ids.route:
      return body.length === 32 ? { kind: 'route', dhtKey: hex(body) } : null
    case ids.routed:
      return body.length === 33 ? { kind: 'routed', id: body[0] ?? 0, dhtKey: hex(body.subarray(1)) } : null
    case ids.on:
    case ids.off:
      return body.length === 1 ? { kind: id === ids.on ? 'on' : 'off', id: body[0] ?? 0 } : null
    case ids.ping:
    case ids.pong:
      return body.length === 8 ? { kind: id === ids.ping ? 'ping' : 'pong', token: body } : null
    case ids['send-apart']:
    case ids['received-apart']: {
      if (body.length <= 32 || body.length > 32 + maxOutOfBandBytes) return null
      const kind = id === ids['send-apart'] ? 'send-apart' : 'received-apart'
      return { kind, dhtKey: hex(body.subarray(0, 32)), data: body.subarray(32) }
    }
    default:
      return null
  }
}
