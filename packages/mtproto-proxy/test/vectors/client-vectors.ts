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
