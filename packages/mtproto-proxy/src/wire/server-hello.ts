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

/**
 * The proxy's answer to a valid ClientHello: ServerHello, ChangeCipherSpec and one record of application data, to be
 * written at once (spec 3.4).
 */
export function encodeServerHello(o: ServerHelloOptions): Buffer {
  const response = Buffer.concat([record(0x16, handshake(o)), changeCipherSpec, record(0x17, o.certificate)])
  serverHelloDigest(o.key, o.clientRandom, response).copy(response, tlsRandomAt)
  return response
}

/** The digest that a ServerHello carries as its random, taken over the three records with the random as zeros. */
export function serverHelloDigest(key: Uint8Array, clientRandom: Uint8Array, zeroed: Uint8Array): Buffer {
  return createHmac('sha256', key).update(clientRandom).update(zeroed).digest()
}

function handshake(o: ServerHelloOptions): Buffer {
  const keyShare = Buffer.concat([Buffer.from('00330024001d0020', 'hex'), o.x25519PublicKey])
  const supportedVersions = Buffer.from('002b00020304', 'hex')
  const suite = Buffer.alloc(2)
  suite.writeUInt16BE(o.cipherSuite)
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(tlsRandomBytes),
    Buffer.of(o.sessionId.length),
    o.sessionId,
    suite,
    Buffer.of(0, 0, keyShare.length + supportedVersions.length),
    keyShare,
    supportedVersions,
  ])
  return Buffer.concat([Buffer.of(2, 0, body.length >> 8, body.length & 0xff), body])
}

function record(type: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 3, payload.length >> 8, payload.length & 0xff), payload])
}
