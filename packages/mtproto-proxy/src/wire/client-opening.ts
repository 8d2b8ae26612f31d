import { Buffer } from 'node:buffer'
import { ClientCodec } from './client-codec.js'
import { tlsRandomAt, tlsRandomBytes } from './client-hello.js'
import { encodeClientHello } from './client-hello-encoder.js'
import { ObfuscatedStream } from './obfuscated-stream.js'
import { createHeader } from './obfuscated2.js'
import type { PacketFormat } from './packet-format.js'
import type { RandomBytes } from './random-bytes.js'
import type { Secret } from './secret.js'
import { ServerHelloReader, type ServerHelloResult } from './server-hello-reader.js'
import { changeCipherSpec, encodeTlsRecords, TlsRecordDecoder } from './tls-records.js'

/** What a client says to a proxy before its first packet. */
export interface ClientOpeningOptions {
  readonly secret: Secret
  readonly dcId: number
  /** Of a plain secret's clients; the others use the padded format. */
  readonly plainFormat: PacketFormat
  /** Unix time in seconds. */
  readonly timestamp: number
  /** 32 bytes, for fake-TLS. */
  readonly x25519PublicKey: Uint8Array
  readonly random: RandomBytes
}

/** Where an opening stands. */
export type ClientOpeningStep =
  /** Send `send`, and give `answer` what comes until it returns the next step. */
  | {
      readonly kind: 'hello'
      readonly send: Buffer
      /** Takes what came, and returns the next step once there is one. */
      readonly answer: (chunk: Uint8Array) => ClientOpeningStep | null
    }
  /** Send `send`; from now on packets, from now on `codec` gets what comes. */
  | { readonly kind: 'ready'; readonly send: Buffer; readonly codec: ClientCodec }
  /** This is no proxy that knows the secret. */
  | { readonly kind: 'refused'; readonly why: Exclude<ServerHelloResult['kind'], 'proxy'> }

/** Begins a connection to a proxy, as a client that was given a secret (spec 3.2, 3.4). */
export function openClient(o: ClientOpeningOptions): ClientOpeningStep {
  const { secret } = o
  if (secret.kind !== 'fake-tls') return ready(o, null)
  const hello = encodeClientHello({ ...o, key: secret.key, domain: secret.domain })
  const reader = new ServerHelloReader(secret.key, hello.subarray(tlsRandomAt, tlsRandomAt + tlsRandomBytes))
  const answer = (chunk: Uint8Array): ClientOpeningStep | null => {
    const result = reader.push(chunk)
    if (result === null) return null
    return result.kind === 'proxy' ? ready(o, result.rest) : { kind: 'refused', why: result.kind }
  }
  return { kind: 'hello', send: hello, answer }
}

function ready(o: ClientOpeningOptions, rest: Buffer | null): ClientOpeningStep {
  const format = o.secret.kind === 'plain' ? o.plainFormat : 'padded'
  const { wire, streams } = createHeader({ ...o, key: o.secret.key, format })
  const records = rest && new TlsRecordDecoder()
  const codec = new ClientCodec(format, new ObfuscatedStream(streams, records), o.random)
  if (rest === null) return { kind: 'ready', send: wire, codec }
  codec.push(rest)
  return { kind: 'ready', send: Buffer.concat([changeCipherSpec, encodeTlsRecords(wire)]), codec }
}
