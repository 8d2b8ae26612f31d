import { type ClientHello, isTimely, parseClientHello, verifyClientHello } from '../wire/client-hello.js'
import type { NamedKey } from '../wire/obfuscated2.js'
import { deriveSniKey } from '../wire/secret.js'
import type { AcceptOptions } from './types.js'

/** A hello of somebody who knows a key, which we can answer. */
export interface ValidHello {
  readonly kind: 'valid'
  readonly hello: ClientHello
  readonly key: NamedKey
  readonly cipherSuite: number
}

/** What a whole hello's record is worth, by itself. */
export type HelloJudgement =
  | ValidHello
  | { readonly kind: 'malformed'; readonly reason: 'tls_bad_client_hello' | 'tls_no_sni' }
  /** Somebody who does not know a key, or lives in another time. */
  | { readonly kind: 'stranger'; readonly sni: string | null }
  | {
      readonly kind: 'unanswerable'
      readonly reason:
        | 'tls_missing_key_share_ext'
        | 'tls_unsupported_key_shares'
        | 'tls_unsupported_cipher_suites'
    }

/** Judges a hello: structure, digest, time, key share, in this order (spec 3.5). */
export function judgeHello(o: AcceptOptions, record: Uint8Array, unixSeconds: number): HelloJudgement {
  const hello = parseClientHello(record)
  if (hello === null) return { kind: 'malformed', reason: 'tls_bad_client_hello' }
  const { sni, keyShare, cipherSuite } = hello
  if (o.perSniSalt !== null && sni === null) return { kind: 'malformed', reason: 'tls_no_sni' }
  const valid = verifyClientHello(record, keysFor(o, sni))
  if (valid === null || !isTimely(valid.timestamp, unixSeconds, o.timeSkew)) return { kind: 'stranger', sni }
  if (keyShare === 'missing') return { kind: 'unanswerable', reason: 'tls_missing_key_share_ext' }
  if (keyShare === 'unsupported') return { kind: 'unanswerable', reason: 'tls_unsupported_key_shares' }
  if (cipherSuite === null) return { kind: 'unanswerable', reason: 'tls_unsupported_cipher_suites' }
  return { kind: 'valid', hello, key: valid.key, cipherSuite }
}

/** The keys as the clients of a host know them; derived only as far as they are tried. */
function* keysFor({ keys, perSniSalt }: AcceptOptions, sni: string | null): Iterable<NamedKey> {
  for (const { name, key } of keys) {
    yield { name, key: perSniSalt === null || sni === null ? key : deriveSniKey(key, perSniSalt, sni) }
  }
}
