import { constants, createHash, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { igeDecrypt, igeEncrypt, mixed } from '../../src/testing/telegram/aes-ige.js'
import { AuthKey } from '../../src/testing/telegram/auth-key.js'
import { DiffieHellman, dhGenerator, dhPrime } from '../../src/testing/telegram/diffie-hellman.js'
import { writePlain } from '../../src/testing/telegram/plain-message.js'
import { bytes, long, TlReader, uint } from '../../src/testing/telegram/tl.js'

type Ask = (packet: Buffer) => Promise<Buffer>

const hash = (algorithm: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): Buffer =>
  createHash(algorithm).update(Buffer.concat(parts)).digest()

/** The body of a message that is not encrypted, and where it begins. */
function plainBody(packet: Buffer, type: number): TlReader {
  const reader = new TlReader(packet.subarray(20))
  if (reader.uint() !== type) throw new Error(`not ${type.toString(16)}: ${packet.toString('hex')}`)
  return reader
}

/** RSA_PAD of today (`new`), or a hash before the data as until 2021 (`old`). */
function encryptInner(inner: Buffer, pem: string, form: 'new' | 'old'): Buffer {
  const key = { key: createPublicKey(pem), padding: constants.RSA_NO_PADDING }
  if (form === 'old') {
    const data = Buffer.concat([hash('sha1', inner), inner])
    return publicEncrypt(key, Buffer.concat([Buffer.alloc(1), data, randomBytes(255 - data.length)]))
  }
  const data = Buffer.concat([inner, randomBytes(192 - inner.length)])
  for (;;) {
    const secret = randomBytes(32)
    const withHash = Buffer.concat([Buffer.from(data).reverse(), hash('sha256', secret, data)])
    const encrypted = igeEncrypt(withHash, secret, Buffer.alloc(32))
    const padded = Buffer.concat([mixed(secret, hash('sha256', encrypted)), encrypted])
    // Must be less than the modulus, whose first bit is set.
    if (padded.readUInt8(0) < 0x80) return publicEncrypt(key, padded)
  }
}

/** Agrees on a key with a data centre, as a client does that checks everything. */
export async function exchangeKeys(
  ask: Ask,
  o: { readonly pem: string; readonly fingerprint: bigint; readonly form: 'new' | 'old' },
): Promise<AuthKey> {
  const nonce = randomBytes(16)
  const newNonce = randomBytes(32)
  const send = (body: Buffer): Promise<Buffer> => ask(writePlain(BigInt(Date.now()) << 32n, body))
  const pq = plainBody(await send(Buffer.concat([uint(0xbe7e8ef1), nonce])), 0x05162463)
  if (!pq.raw(16).equals(nonce)) throw new Error('nonce')
  const serverNonce = pq.raw(16)
  const product = pq.bytes()
  const [p, q] = [bytes(Buffer.from('494c553b', 'hex')), bytes(Buffer.from('53911073', 'hex'))]
  const both = Buffer.concat([nonce, serverNonce])
  const inner = Buffer.concat([uint(0xa9f55f95), bytes(product), p, q, both, newNonce, uint(2)])
  const request = [
    uint(0xd712e4be),
    both,
    p,
    q,
    long(o.fingerprint),
    bytes(encryptInner(inner, o.pem, o.form)),
  ]
  const params = plainBody(await send(Buffer.concat(request)), 0xd0e8075c)
  if (!params.raw(32).equals(both)) throw new Error('nonces')
  const [one, two] = [hash('sha1', newNonce, serverNonce), hash('sha1', serverNonce, newNonce)]
  const key = Buffer.concat([one, two.subarray(0, 12)])
  const iv = Buffer.concat([two.subarray(12), hash('sha1', newNonce, newNonce), newNonce.subarray(0, 4)])
  const answer = igeDecrypt(params.bytes(), key, iv)
  const dh = new TlReader(answer.subarray(20))
  if (dh.uint() !== 0xb5890dba || !dh.raw(32).equals(both)) throw new Error('server_DH_inner_data')
  if (dh.uint() !== dhGenerator || !dh.bytes().equals(dhPrime)) throw new Error('prime')
  const ga = dh.bytes()
  dh.uint()
  if (!hash('sha1', answer.subarray(20, 20 + dh.position)).equals(answer.subarray(0, 20)))
    throw new Error('hash')
  const ours = new DiffieHellman()
  const clientInner = Buffer.concat([uint(0x6643b654), both, long(0n), bytes(ours.public)])
  const hashed = Buffer.concat([hash('sha1', clientInner), clientInner])
  const padded = Buffer.concat([hashed, randomBytes(-hashed.length & 15)])
  const set = [uint(0xf5045f1f), both, bytes(igeEncrypt(padded, key, iv))]
  const done = plainBody(await send(Buffer.concat(set)), 0x3bcbf734)
  const authKey = new AuthKey(
    ours.agree(ga),
    mixed(newNonce.subarray(0, 8), serverNonce.subarray(0, 8)).readBigInt64LE(),
  )
  if (!done.raw(32).equals(both)) throw new Error('nonces')
  if (!done.raw(16).equals(hash('sha1', newNonce, Buffer.of(1), authKey.auxHash).subarray(4)))
    throw new Error('key')
  return authKey
}

/** One message of MTProto 2.0. */
export interface Message {
  readonly id: bigint
  readonly seq: number
  readonly body: Buffer
}

/** Encrypts messages of one session, and decrypts what comes back. */
export class MtprotoSession {
  readonly #key: AuthKey
  readonly #id = randomBytes(8)
  #last = BigInt(Math.floor(Date.now() / 1000)) << 32n

  constructor(key: AuthKey) {
    this.#key = key
  }

  seal(body: Buffer, o: { readonly salt?: bigint } = {}): { readonly packet: Buffer; readonly id: bigint } {
    this.#last += 4n
    const id = this.#last
    const head = [long(o.salt ?? this.#key.salt), this.#id, long(id), uint(1), uint(body.length)]
    return { packet: this.#key.seal(Buffer.concat([...head, body]), 'client'), id }
  }

  open(packet: Buffer): Message {
    const plain = this.#key.open(packet, 'server')
    if (plain?.subarray(8, 16).equals(this.#id) !== true) throw new Error('not for this session')
    const length = plain.readUInt32LE(28)
    return {
      id: plain.readBigInt64LE(16),
      seq: plain.readUInt32LE(24),
      body: plain.subarray(32, 32 + length),
    }
  }
}
