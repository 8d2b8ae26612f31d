import type { Millis } from '@holdfast/core'
import type { FakeClient } from './fake-client.js'

/**
 * What an embedded Telegram answers to packets of clients.
 *
 * - `echo`: the same packet.
 * - `res-pq`: resPQ to req_pq and req_pq_multi, which proves to a client that it has reached Telegram, and nothing else.
 * - `mtproto`: as a data centre does: a whole key exchange with a key of our own, pings, help.getConfig, an error to
 *   every other query, and -404 to what is encrypted by a key that it does not know.
 * - `nothing`.
 * - a function: what it returns, each item one packet.
 */
export type FakeAnswers =
  | 'echo'
  | 'res-pq'
  | 'mtproto'
  | 'nothing'
  | ((payload: Buffer, client: FakeClient) => readonly Uint8Array[])

/** How an embedded Telegram behaves; each may be changed at any time, for what is yet to come. */
export interface FakeTelegramRules {
  /** Default: `echo`. */
  answers: FakeAnswers
  /** How long answers take, in milliseconds. Default: 0. */
  answerDelay: Millis
  /** Whether a packet that asks for a quick ack gets one. Default: yes. */
  quickAcks: boolean
  /** How long a new connection waits for the nonce, in milliseconds: a replacement that is slow to come. Default: 0. */
  handshakeDelay: Millis
  /** New connections: take them, reset them at once, or take them and say nothing ever. Default: `accept`. */
  newcomers: 'accept' | 'refuse' | 'black-hole'
  /** Seconds by which its clock is ahead of ours. Default: 0. */
  clockAheadSeconds: number
  /** Answers handshakes by RPC_HANDSHAKE_ERROR with this code. Default: `null`, it does not. */
  handshakeError: number | null
  /** Offers CRC-32C. Default: no. */
  crc32c: boolean
  /** Words of padding after its nonce. Default: 0. */
  noncePadding: number
}

/** What is so unless a test says otherwise. */
export const usualRules: FakeTelegramRules = {
  answers: 'echo',
  answerDelay: 0,
  quickAcks: true,
  handshakeDelay: 0,
  newcomers: 'accept',
  clockAheadSeconds: 0,
  handshakeError: null,
  crc32c: false,
  noncePadding: 0,
}
