import type { Off } from '@holdfast/core'
import type { PacketFormat } from './wire/packet-format.js'

/** What the side of the data centres has to know of a client. */
export interface TunnelRequest {
  /** As the client's header names it: 1 to 5, negative for media, 10000 more for test servers; may be unknown. */
  readonly dcId: number
  /** The client's address: IPv6, or IPv4 mapped into it (`::ffff:a.b.c.d`), 16 bytes. */
  readonly ip: Uint8Array
  /** The client's port. */
  readonly port: number
  /** The 16 bytes of the promoted channel's tag, or null for none. */
  readonly adTag: Uint8Array | null
  readonly format: PacketFormat
  /** Name of the listener that the client came in by, for metrics. */
  readonly listener: string
}

/**
 * Why a tunnel ended, told to the client's side.
 *
 * - `closed-by-telegram`: RPC_CLOSE_EXT for this client.
 * - `mid-send`: its connection died while a packet of it had not left, or one was unanswered on a lost split link.
 * - `no-connection`: no connection to this data centre, nor the prospect of one in time.
 * - `park-full`, `park-expired`: no room to wait for a connection, or it has waited long enough.
 * - `unknown-dc`: no such data centre, and no default one.
 * - `overflow`: the client took its answers too slowly.
 * - `back-lost`: the split link is gone, and did not come back in time.
 * - `closed`: we are stopping, or the client closed.
 */
export type TunnelEnd =
  | 'closed-by-telegram'
  | 'mid-send'
  | 'no-connection'
  | 'park-full'
  | 'park-expired'
  | 'unknown-dc'
  | 'overflow'
  | 'back-lost'
  | 'closed'

/** The client's end of a tunnel, called by the side of the data centres. */
export interface TunnelClient {
  /** One packet for the client (RPC_PROXY_ANS). Lent for the call only. */
  packet(payload: Uint8Array): void
  /** The four bytes of a quick ack (RPC_SIMPLE_ACK), as Telegram sent them. Lent for the call only. */
  quickAck(confirm: Uint8Array): void
  /** Stops reading the client while it is parked, or while what it sent has not left. Reads again when all are released. */
  pause(): Off
  /** The tunnel is over. Once, and the last call. Not called for a `close()` of the client's own. */
  closed(why: TunnelEnd): void
}

/** The data centre's end of a tunnel, called by the client's side. */
export interface Tunnel {
  /** Sends one packet of the client. Taken over: its bytes must not change afterwards. Call it only while not paused. */
  send(packet: Uint8Array, o: { readonly quickAck: boolean }): void
  /** So many packets and bytes have reached the client: gives credits back. */
  delivered(packets: number, bytes: number): void
  /** The client is gone: Telegram is told by RPC_CLOSE_CONN. Idempotent. */
  close(): void
}

/** Where clients' packets go: pools of this process, or a back over the split link. */
export interface DataCenters {
  /** Opens a tunnel for one client, at once: bound to a connection, or parked until one is there. */
  open(request: TunnelRequest, client: TunnelClient): Tunnel | { readonly refused: TunnelEnd }
}
