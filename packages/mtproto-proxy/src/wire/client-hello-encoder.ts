import { Buffer } from 'node:buffer'
import { clientHelloDigest, tlsRandomAt, tlsRandomBytes } from './client-hello.js'
import type { RandomBytes } from './random-bytes.js'

/** What a fake-TLS client's hello is made of. */
export interface ClientHelloOptions {
  readonly key: Uint8Array
  /** Host of the SNI. */
  readonly domain: string
  /** The client's Unix time in seconds. */
  readonly timestamp: number
  /** 32 bytes. */
  readonly x25519PublicKey: Uint8Array
  readonly random: RandomBytes
}

/** Length of the handshake message of a hello that is filled up, so that the record has 512 bytes (spec 3.1). */
const filledBytes = 508

/**
 * A ClientHello that a proxy with this key takes for one of its clients, in the shape that browsers had when clients
 * began to imitate them: 517 bytes, longer only for a host of more than some 180 characters (spec 3.4).
 */
export function encodeClientHello(o: ClientHelloOptions): Buffer {
  const body = (fill: number): Buffer =>
    Buffer.concat([
      Buffer.from('0303', 'hex'),
      Buffer.alloc(tlsRandomBytes),
      vector(1, sessionId),
      vector(2, Buffer.concat([grease(0), suites])),
      Buffer.from('0100', 'hex'),
      vector(2, Buffer.concat([...extensions, ...(fill < 0 ? [] : [extension(0x15, Buffer.alloc(fill))])])),
    ])
  const drawn = o.random(5)
  const grease = (index: number): Buffer => greaseOf(drawn[index] ?? 0)
  const sessionId = o.random(32)
  const extensions = browserExtensions(o, grease)
  const bare = body(-1).length
  const message = body(filledBytes - bare - 4)
  const record = Buffer.concat([
    Buffer.from('160301', 'hex'),
    vector(2, Buffer.concat([Buffer.of(1), vector(3, message)])),
  ])
  const digest = clientHelloDigest(record, o.key)
  digest.writeUInt32LE((digest.readUInt32LE(28) ^ o.timestamp) >>> 0, 28)
  digest.copy(record, tlsRandomAt)
  return record
}

const suites = Buffer.from('130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035', 'hex')
const h2AndHttp1 = Buffer.from('000c02683208687474702f312e31', 'hex')
const signatureAlgorithms = Buffer.from('001004030804040105030805050108060601', 'hex')

function browserExtensions(o: ClientHelloOptions, grease: (index: number) => Buffer): Buffer[] {
  const host = Buffer.concat([Buffer.of(0), vector(2, Buffer.from(o.domain, 'latin1'))])
  const shares = [grease(1), Buffer.from('000100001d0020', 'hex'), o.x25519PublicKey]
  return [
    Buffer.concat([grease(2), Buffer.alloc(2)]),
    extension(0x00, vector(2, host)),
    extension(0x17, Buffer.alloc(0)),
    extension(0xff01, Buffer.alloc(1)),
    extension(0x0a, vector(2, Buffer.concat([grease(1), Buffer.from('001d00170018', 'hex')]))),
    extension(0x0b, Buffer.from('0100', 'hex')),
    extension(0x23, Buffer.alloc(0)),
    extension(0x10, h2AndHttp1),
    extension(0x05, Buffer.from('0100000000', 'hex')),
    extension(0x0d, signatureAlgorithms),
    extension(0x12, Buffer.alloc(0)),
    extension(0x33, vector(2, Buffer.concat(shares))),
    extension(0x2d, Buffer.from('0101', 'hex')),
    extension(0x2b, vector(1, Buffer.concat([grease(3), Buffer.from('03040303', 'hex')]))),
    extension(0x1b, Buffer.from('020002', 'hex')),
    Buffer.concat([greaseOf((grease(2).readUInt8(0) >> 4) + 1), Buffer.from('000100', 'hex')]),
  ]
}

/** One of the sixteen values that mean nothing, which browsers send so that servers stay tolerant (RFC 8701). */
function greaseOf(drawn: number): Buffer {
  const byte = ((drawn & 0x0f) << 4) | 0x0a
  return Buffer.of(byte, byte)
}

function extension(type: number, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, data)])
}

function vector(lengthSize: 1 | 2 | 3, data: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthSize)
  length.writeUIntBE(data.length, 0, lengthSize)
  return Buffer.concat([length, data])
}
