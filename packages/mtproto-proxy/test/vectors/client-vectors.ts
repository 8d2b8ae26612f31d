import type { PacketFormat } from '../../src/wire/packet-format.js'
import { vectors } from './vectors.js'

/** The vectors call the padded format «secure». */
type Proto = 'abridged' | 'intermediate' | 'secure'

/** The format that a vector names. */
export const formatOf = (proto: Proto): PacketFormat => (proto === 'secure' ? 'padded' : proto)

interface Both {
  readonly plain: string
  readonly cipher: string
}

interface HeaderCase {
  readonly proto: Proto
  readonly dc: number
  readonly random: string
  readonly wire: string
}

/** Headers, keys and streams of obfuscated2. */
export const obfuscated2 = vectors<{
  readonly secret: string
  readonly cases: readonly (HeaderCase & { readonly payload_c2s: Both; readonly payload_s2c: Both })[]
  readonly direct_to_dc_no_secret: HeaderCase
  readonly forbidden_headers: readonly { why: string; prefix?: string; bytes_4_to_8?: string }[]
  readonly server_side_fixture_from_mtg: {
    readonly secret: string
    readonly wire: string
    readonly proto: Proto
    readonly dc: number
    readonly server_sends: Both
    readonly server_receives: Both
  }
  readonly captured_tdlib: readonly {
    readonly secret: string
    readonly stream_c2s: string
    readonly proto: Proto
    readonly dc: number
    readonly first_packet_quick_ack: boolean
    readonly first_packet: string
    readonly packets: number
  }[]
}>('mtproto-obfuscated2')

/** Frames of the three packet formats. */
export const codecs = vectors<{
  readonly frames: readonly {
    readonly proto: Proto
    readonly quick_ack: boolean
    readonly padding?: string
    readonly payload: string
    readonly frame: string
  }[]
  readonly long: readonly {
    readonly proto: Proto
    readonly payload_len: number
    readonly payload_sha256: string
    readonly frame_header: string
    readonly frame_sha256: string
  }[]
  readonly simple_ack_to_client: readonly {
    readonly proto: Proto
    readonly rpc_confirm_bytes: string
    readonly wire_before_obfuscation: string
  }[]
  readonly simple_ack_secure_framed_alternative: { readonly captured_from_c: string }
  readonly reject: readonly { readonly proto: Proto; readonly bytes: string; readonly why: string }[]
}>('mtproto-codecs')

/** Hellos, secrets and records of fake-TLS. */
export const fakeTls = vectors<{
  readonly secret: string
  readonly cases: readonly {
    readonly domain: string
    readonly timestamp: number
    readonly session_id: string
    readonly client_random: string
    readonly client_hello: string
    readonly server_key_share_x25519: string
    readonly server_app_data: string
    readonly cipher_suite: string
    readonly server_response: string
  }[]
  readonly reject: readonly { readonly why: string; readonly client_hello: string }[]
  readonly malformed: { readonly client_hello: string; readonly expected_alert: string }
  readonly captured_tdlib_1_8_65: {
    readonly secret: string
    readonly domain: string
    readonly timestamp: number
    readonly client_hello: string
    readonly server_response: string
    readonly client_after_hello: string
    readonly inner_proto: Proto
    readonly inner_dc: number
    readonly inner_first_packet: string
    readonly inner_first_quick_ack: boolean
  }
  readonly captured_from_mtg_fixtures: readonly {
    readonly source: string
    readonly secret: string
    readonly domain: string
    readonly valid: boolean
    readonly timestamp?: number
    readonly client_hello: string
  }[]
  readonly records: readonly { payload_len: number; wire?: string; headers?: readonly string[] }[]
  readonly per_sni_secret: readonly {
    readonly salt: string
    readonly base_secret: string
    readonly sni: string
    readonly derived: string
    readonly link_secret_hex: string
  }[]
  readonly secret_formats: readonly {
    readonly input: string
    readonly mode: 'plain' | 'secure' | 'tls'
    readonly key: string
    readonly domain?: string
  }[]
}>('mtproto-faketls')
