import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core'

/**
 * What a client is given to reach a proxy, and by that which transport it uses (spec 2).
 *
 * - `plain`: obfuscated2 with the abridged or the intermediate format.
 * - `secure`: obfuscated2 with the padded format («dd»).
 * - `fake-tls`: the same within what looks like TLS to `domain` («ee»).
 *
 * `key` is 16 bytes.
 */
export type Secret =
  | { readonly kind: 'plain'; readonly key: Uint8Array }
  | { readonly kind: 'secure'; readonly key: Uint8Array }
  | { readonly kind: 'fake-tls'; readonly key: Uint8Array; readonly domain: string }

/** A text is no secret. The message does not repeat it. Code `HF_MTPROTO_BAD_SECRET`. */
export class SecretError extends HoldfastError {
  override readonly name: string = 'SecretError'

  constructor(what: string) {
    super('HF_MTPROTO_BAD_SECRET', `the secret ${what}: 32 hex digits, or what a link has after secret=`)
  }
}

/** Length of a key, in bytes. */
export const keyBytes = 16

/** What may be the domain of a fake-TLS secret, and the host of a ClientHello. */
export const hostPattern = /^[\w.-]{1,253}$/

const secureTag = 0xdd
const fakeTlsTag = 0xee

/**
 * Reads a secret: hex if it has only hex digits and an even number of them, else base64, with either alphabet and with
 * or without `=` (spec 2).
 *
 * @throws a `SecretError`
 */
export function parseSecret(text: string): Secret {
  const bytes = decode(text)
  const [tag] = bytes
  if (bytes.length === keyBytes) return { kind: 'plain', key: bytes }
  if (bytes.length < keyBytes) throw new SecretError('is too short')
  const key = bytes.subarray(1, 1 + keyBytes)
  const rest = bytes.subarray(1 + keyBytes)
  if (tag === secureTag && rest.length === 0) return { kind: 'secure', key }
  if (tag !== fakeTlsTag) throw new SecretError('is neither 16 bytes nor begins with dd or ee')
  const domain = rest.toString('latin1')
  if (!hostPattern.test(domain)) throw new SecretError('has no host name after its key')
  return { kind: 'fake-tls', key, domain }
}

/**
 * Writes a secret as text.
 *
 * @param encoding - `base64url` is shorter; every current client reads both
 */
export function formatSecret(secret: Secret, encoding: 'hex' | 'base64url' = 'hex'): string {
  return toBytes(secret).toString(encoding)
}

/**
 * The key of one domain's clients, where every domain has its own (option `per_sni_secrets`; spec 2). It takes the
 * place of the base key, in the hello and in the header within.
 *
 * @param sni - the host as the client writes it
 */
export function deriveSniKey(baseKey: Uint8Array, salt: string, sni: string): Buffer {
  const hash = createHash('sha256').update(salt).update(Buffer.from(baseKey).toString('hex')).update(sni)
  return hash.digest().subarray(0, keyBytes)
}

function decode(text: string): Buffer {
  if (text.length % 2 === 0 && /^[\da-f]+$/i.test(text)) return Buffer.from(text, 'hex')
  if (/^[\w+/-]+={0,2}$/.test(text)) return Buffer.from(text, 'base64url')
  throw new SecretError('is neither hex nor base64')
}

function toBytes(secret: Secret): Buffer {
  switch (secret.kind) {
    case 'plain':
      return Buffer.from(secret.key)
    case 'secure':
      return Buffer.concat([Buffer.of(secureTag), secret.key])
    case 'fake-tls':
      return Buffer.concat([Buffer.of(fakeTlsTag), secret.key, Buffer.from(secret.domain, 'latin1')])
  }
}
