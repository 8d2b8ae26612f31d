import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { tlsRandomAt, tlsRandomBytes } from './client-hello.js'
import { changeCipherSpec } from './tls-records.js'

/** What a ServerHello is made of. */
export interface ServerHelloOptions {
  /** The key that the client's hello was made with. */
  readonly key: Uint8Array
  /** The 32 bytes of the client's random. */
  readonly clientRandom: Uint8Array
  /** As the client sent it. */
  readonly sessionId: Uint8Array
  /** One that the client offers. */
  readonly cipherSuite: number
  /** 32 bytes; a real public key, as a random string is one only half of the time. */
  readonly x25519PublicKey: Uint8Array
  /** Random bytes in the place of an encrypted certificate, at most 16384. */
  readonly certificate: Uint8Array
}

const zeroRandom = Buffer.alloc(tlsRandomBytes)
const keyShareHead = Buffer.from('00330024001d0020', 'hex')
const supportedVersions = Buffer.from('002b00020304', 'hex')

/**
 * The proxy's answer to a valid ClientHello: ServerHello, ChangeCipherSpec and one record of application data, to be
 * written at once (spec 3.4).
 */
export function encodeServerHello(o: ServerHelloOptions): Buffer {
  const { sessionId, cipherSuite, x25519PublicKey, certificate } = o
  const extensionBytes = keyShareHead.length + x25519PublicKey.length + supportedVersions.length
  const bodyBytes = 2 + tlsRandomBytes + 1 + sessionId.length + 2 + 1 + 2 + extensionBytes
  const response = Buffer.concat([
    // The record, the handshake in it, and its version: no length here takes more than a byte.
    Buffer.of(0x16, 3, 3, 0, bodyBytes + 4, 2, 0, 0, bodyBytes, 3, 3),
    zeroRandom,
    Buffer.of(sessionId.length),
    sessionId,
    Buffer.of(cipherSuite >> 8, cipherSuite & 0xff, 0, 0, extensionBytes),
    keyShareHead,
    x25519PublicKey,
    supportedVersions,
    changeCipherSpec,
    Buffer.of(0x17, 3, 3, certificate.length >> 8, certificate.length & 0xff),
    certificate,
  ])
  serverHelloDigest(o.key, o.clientRandom, response).copy(response, tlsRandomAt)
  return response
}

/** The digest that a ServerHello carries as its random, taken over the three records with the random as zeros. */
export function serverHelloDigest(key: Uint8Array, clientRandom: Uint8Array, zeroed: Uint8Array): Buffer {
  return createHmac('sha256', key).update(clientRandom).update(zeroed).digest()
}
