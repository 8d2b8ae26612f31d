import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { asBuffer } from './as-buffer.js'
import { ByteReader } from './byte-reader.js'
import type { NamedKey } from './obfuscated2.js'
import { hostPattern } from './secret.js'

/** What of a ClientHello matters (spec 3.4). Views of the record. */
export interface ClientHello {
  /** The 32 bytes that carry digest and time. */
  readonly random: Buffer
  /** 0 to 32 bytes, to be sent back. */
  readonly sessionId: Buffer
  /** The first suite of TLS 1.3 that it offers, or null. */
  readonly cipherSuite: number | null
  /** Whether it has a key share that we can answer: one of x25519. */
  readonly keyShare: 'x25519' | 'unsupported' | 'missing'
  /** The host that it asks for, as it is written there, or null. */
  readonly sni: string | null
}

/** Length of a ClientHello's and a ServerHello's random, in bytes. */
export const tlsRandomBytes = 32

/** Where the random is in a record that begins with a hello. */
export const tlsRandomAt = 11

/** How far a client's clock may be off, in seconds; `off` for any (option `tls_time_skew_sec`). */
export type TlsTimeSkew = { readonly past: number; readonly future: number } | 'off'

const extensionTypes = { serverName: 0, keyShare: 0x33 } as const
const x25519 = 0x001d

/** Clients without a clock send how long they have been up: anything below 1000 days (spec 3.4). */
const maxUptimeSeconds = 86_400 * 1000

const zeroRandom = Buffer.alloc(tlsRandomBytes)

/**
 * Reads a whole TLS record that should be a ClientHello. Every length must fit exactly.
 *
 * @param record - with its header; lent, but views of it are returned
 * @returns null when it is malformed (`tls_bad_client_hello`)
 */
export function parseClientHello(record: Uint8Array): ClientHello | null {
  const outer = new ByteReader(record)
  const isHandshake = outer.number(3) === 0x16_03_01
  const handshake = new ByteReader(outer.vector(2) ?? zeroRandom)
  const isHello = handshake.number(1) === 1
  const hello = new ByteReader(handshake.vector(3) ?? zeroRandom)
  if (!isHandshake || !isHello || outer.left + handshake.left > 0 || hello.number(2) !== 0x0303) return null

  const random = hello.bytes(tlsRandomBytes)
  const sessionId = hello.vector(1)
  const suites = hello.vector(2)
  const compression = hello.vector(1)
  const extensions = hello.vector(2)
  if (!random || !sessionId || !suites || !compression || !extensions || hello.left > 0) return null
  if (sessionId.length > 32 || suites.length % 2 !== 0) return null
  const found = readExtensions(extensions)
  return found && { random, sessionId, cipherSuite: firstSuite(suites), ...found }
}

/**
 * Finds the key that a hello was made with, trying them in order (spec 3.4).
 *
 * @param record - the whole record; lent
 * @returns the key and the client's Unix time in seconds; null when none fits (`tls_invalid_digest`)
 */
export function verifyClientHello<K extends NamedKey>(
  record: Uint8Array,
  keys: Iterable<K>,
): { readonly key: K; readonly timestamp: number } | null {
  const random = asBuffer(record.subarray(tlsRandomAt, tlsRandomAt + tlsRandomBytes))
  if (random.length < tlsRandomBytes) return null
  for (const key of keys) {
    const digest = clientHelloDigest(record, key.key)
    if (timingSafeEqual(digest.subarray(0, 28), random.subarray(0, 28))) {
      return { key, timestamp: (digest.readUInt32LE(28) ^ random.readUInt32LE(28)) >>> 0 }
    }
  }
  return null
}

/** The digest of a hello's record, taken with its random as zeros. */
export function clientHelloDigest(record: Uint8Array, key: Uint8Array): Buffer {
  return createHmac('sha256', key)
    .update(record.subarray(0, tlsRandomAt))
    .update(zeroRandom)
    .update(record.subarray(tlsRandomAt + tlsRandomBytes))
    .digest()
}

/**
 * Whether a hello's time is near enough to ours. A client that reports its uptime instead is believed.
 *
 * @param timestamp - from {@link verifyClientHello}
 * @param now - our Unix time in seconds
 */
export function isTimely(timestamp: number, now: number, skew: TlsTimeSkew): boolean {
  if (skew === 'off' || timestamp < maxUptimeSeconds) return true
  return timestamp >= now - skew.past && timestamp <= now + skew.future
}

function firstSuite(suites: Buffer): number | null {
  for (let at = 0; at < suites.length; at += 2) {
    const suite = suites.readUInt16BE(at)
    if (suite >= 0x1301 && suite <= 0x1303) return suite
  }
  return null
}

function readExtensions(extensions: Buffer): Pick<ClientHello, 'keyShare' | 'sni'> | null {
  const reader = new ByteReader(extensions)
  let sni: string | null = null
  let keyShare: ClientHello['keyShare'] = 'missing'
  while (reader.left > 0) {
    const type = reader.number(2)
    const data = reader.vector(2)
    if (data === null) return null
    if (type === extensionTypes.serverName && sni === null) {
      const host = readServerName(data)
      if (host === 'malformed') return null
      sni = host.name
    } else if (type === extensionTypes.keyShare && keyShare === 'missing') {
      const share = readKeyShare(data)
      if (share === null) return null
      keyShare = share
    }
  }
  return { sni, keyShare }
}

/** The first name of type host; what is no host name is malformed, as it goes into rules, metrics and look-ups. */
function readServerName(data: Buffer): { name: string | null } | 'malformed' {
  const outer = new ByteReader(data)
  const list = outer.vector(2)
  if (list === null || outer.left > 0) return 'malformed'
  const reader = new ByteReader(list)
  let name: string | null = null
  while (reader.left > 0) {
    const type = reader.number(1)
    const value = reader.vector(2)
    if (value === null) return 'malformed'
    if (type !== 0 || name !== null) continue
    name = value.toString('latin1')
    if (!hostPattern.test(name)) return 'malformed'
  }
  return { name }
}

function readKeyShare(data: Buffer): 'x25519' | 'unsupported' | null {
  const outer = new ByteReader(data)
  const list = outer.vector(2)
  if (list === null || outer.left > 0) return null
  const reader = new ByteReader(list)
  let found: 'x25519' | 'unsupported' = 'unsupported'
  while (reader.left > 0) {
    const group = reader.number(2)
    const key = reader.vector(2)
    if (key === null) return null
    if (group === x25519 && key.length === 32) found = 'x25519'
  }
  return found
}
