import type { Newcomer, Verdict } from '../gatekeeper.js'
import type { ProtocolLabel } from '../metrics/types.js'
import type { ClientBytesReason } from '../wire/client-bytes-error.js'
import type { TlsTimeSkew } from '../wire/client-hello.js'
import type { SocketAddress } from '../wire/ip-address.js'
import type { NamedKey } from '../wire/obfuscated2.js'
import type { PacketFormat } from '../wire/packet-format.js'
import type { RandomBytes } from '../wire/random-bytes.js'
import type { ServerCodec } from '../wire/server-codec.js'

/** What a listener may allow, in the words of the option `allowed_protocols`. */
export type AllowedProtocol = 'fake_tls' | 'secure' | 'abridged' | 'intermediate'

/**
 * What to do with a client that speaks no TLS and does not know a secret, or repeats what was seen (spec 3.6).
 *
 * - `close`: at once. Strangers can tell by that, as it happens after exactly 64 bytes.
 * - `swallow`: read and forget what it sends, until the time for a beginning is over.
 * - `front`: relay it to the site behind which the proxy hides.
 */
export type BadClient = 'close' | 'swallow' | 'front'

/** How a listener judges newcomers. One object may serve all of them, and be replaced for those to come. */
export interface AcceptOptions {
  /** Name of the listener. */
  readonly listener: string
  /** Keys that clients may know, in the order in which they are tried. */
  readonly keys: readonly NamedKey[]
  readonly allowed: ReadonlySet<AllowedProtocol>
  /** The salt of `per_sni_secrets`, or null while that is off. */
  readonly perSniSalt: string | null
  readonly timeSkew: TlsTimeSkew
  /** Least and most bytes of the certificate's stand-in, at most 16384 (`tls_server_cert_len`). */
  readonly certificateBytes: readonly [least: number, most: number]
  readonly badClient: BadClient
  /** Whether there is a site to relay strangers to (`domain_fronting`). */
  readonly fronting: boolean
  /** Whether connections from an address begin with a PROXY header. Others are clients by themselves. */
  readonly isBalancer: (ip: string) => boolean
  readonly random: RandomBytes
  /** A public key of x25519, 32 bytes; may be one that was given before. */
  readonly x25519PublicKey: () => Uint8Array
}

/**
 * Why a newcomer does not get in: label `reason` of the metric `protocol_error` (spec 3.5). Beyond the reference's:
 * `proxy_header_invalid`, `tls_unsupported_cipher_suites`, and what is said at {@link ClientBytesReason}.
 */
export type RefusalReason =
  | 'proxy_header_invalid'
  | 'tls_client_hello_too_short'
  | 'tls_bad_client_hello'
  | 'tls_invalid_digest'
  | 'tls_missing_key_share_ext'
  | 'tls_unsupported_key_shares'
  | 'tls_unsupported_cipher_suites'
  | 'tls_no_sni'
  | 'tls_client_hello_expected'
  | 'unknown_protocol'
  | 'disabled_protocol'
  | 'replay_session_detected'
  | 'policy_error'
  | 'max_buffers_size'
  | ClientBytesReason

/** What happens to a newcomer. */
export type AcceptEvent =
  /** `chunk` is lent; `unixSeconds` is the time now. */
  | { readonly kind: 'bytes'; readonly chunk: Uint8Array; readonly unixSeconds: number }
  /** The answer to `ask`. Who was admitted leaves when its connection ends, whatever comes of it. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict }

/** A client that is in. */
export interface AcceptedClient {
  /** Holds what came after the header: call `next` at once. */
  readonly codec: ServerCodec
  readonly format: PacketFormat
  /** As the client wrote it; may be unknown. */
  readonly dcId: number
  /** Name of the key that it knows. */
  readonly secret: string
  /** Host of a fake-TLS client, in lower case. */
  readonly sni: string | null
  readonly protocol: ProtocolLabel
}

/** What is to be done about a newcomer. All but `address`, `ask` and `send` are the last of it. */
export type AcceptEffect =
  /** The balancer says who the client is; null: nobody, it checks on us. */
  | { readonly kind: 'address'; readonly source: SocketAddress | null }
  /** Ask the gatekeeper. Pause reading if it does not answer at once. */
  | { readonly kind: 'ask'; readonly newcomer: Newcomer }
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'tunnel'; readonly client: AcceptedClient }
  /**
   * Relay it, beginning with `bytes`, which are all that it has sent. If the policy does not let it through to `sni`,
   * or there is no room, close it.
   */
  | {
      readonly kind: 'front'
      readonly reason: RefusalReason
      readonly bytes: Uint8Array
      readonly sni: string | null
    }
  /** Send the alert, then close. */
  | { readonly kind: 'alert-and-close'; readonly reason: RefusalReason; readonly alert: Uint8Array }
  | { readonly kind: 'close'; readonly reason: RefusalReason }
  /** Read on and forget it, until the time for a beginning is over. */
  | { readonly kind: 'swallow'; readonly reason: RefusalReason }
