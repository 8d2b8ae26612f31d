import type { Newcomer, Verdict } from '../gatekeeper.js'
import type { ProtocolLabel } from '../metrics/types.js'
import { asBuffer } from '../wire/as-buffer.js'
import { ClientBytesError } from '../wire/client-bytes-error.js'
import type { ClientHello } from '../wire/client-hello.js'
import { ipToText } from '../wire/ip-address.js'
import { ObfuscatedStream } from '../wire/obfuscated-stream.js'
import {
  headerReplayKey,
  type NamedKey,
  type OpenedHeader,
  obfuscatedHeaderBytes,
  openHeader,
} from '../wire/obfuscated2.js'
import type { PacketFormat } from '../wire/packet-format.js'
import { parseProxyHeader } from '../wire/proxy-protocol.js'
import type { RandomBytes } from '../wire/random-bytes.js'
import { ServerCodec } from '../wire/server-codec.js'
import { encodeServerHello } from '../wire/server-hello.js'
import { decodeErrorAlert, recordHeaderBytes, TlsRecordDecoder } from '../wire/tls-records.js'
import { Gathered } from './gathered.js'
import { judgeHello, type ValidHello } from './judge-hello.js'
import type { AcceptEffect, AcceptEvent, AcceptOptions, AllowedProtocol, RefusalReason } from './types.js'

/** Bytes that are kept while the gatekeeper is asked. Whoever pauses reading meanwhile does not come near it. */
export const maxWaitingBytes = 2 ** 18

/** Lengths of a ClientHello's record (spec 3.1; RFC 8446, 5.1). */
const helloBytes = { min: 512, max: 16_384 } as const

interface HelloPending {
  readonly kind: 'hello'
  readonly judged: ValidHello
  readonly length: number
}
interface HeaderPending {
  readonly kind: 'header'
  readonly opened: OpenedHeader
}

type State =
  | { readonly phase: 'proxy-header' }
  | { readonly phase: 'first-bytes' }
  /** The gatekeeper is asked; bytes wait. */
  | { readonly phase: 'asking'; readonly pending: HelloPending | HeaderPending }
  /** The ServerHello is sent; within the client's records comes a header. */
  | {
      readonly phase: 'inner-header'
      readonly key: NamedKey
      readonly sni: string | null
      readonly records: TlsRecordDecoder
    }
  | { readonly phase: 'decided' }

const none: readonly AcceptEffect[] = []

/**
 * What a newcomer's bytes mean: tunnel, front, alert, silence. Checks are made in the order of the reference, so that
 * the same bytes are refused for the same reason (spec 3.5, 3.6).
 *
 * Give it events, carry out the effects in order. How the bytes are cut makes no difference.
 */
export class Acceptance {
  readonly #o: AcceptOptions
  readonly #gathered = new Gathered()
  #ip: string
  #state: State

  /** @param ip - the peer's address in text form; a PROXY header replaces it */
  constructor(options: AcceptOptions, ip: string) {
    this.#o = options
    this.#ip = ip
    this.#state = { phase: options.isBalancer(ip) ? 'proxy-header' : 'first-bytes' }
  }

  /** Where it stands. */
  get phase(): State['phase'] {
    return this.#state.phase
  }

  /** Bytes held. */
  get heldBytes(): number {
    return this.#gathered.bytes.length
  }

  /** What follows from an event; nothing, once all is decided. */
  handle(event: AcceptEvent): readonly AcceptEffect[] {
    switch (event.kind) {
      case 'bytes':
        return this.#bytes(event.chunk, event.unixSeconds)
      case 'verdict':
        return this.#verdict(event.verdict)
    }
  }

  #bytes(chunk: Uint8Array, unixSeconds: number): readonly AcceptEffect[] {
    const state = this.#state
    switch (state.phase) {
      case 'decided':
        return none
      case 'proxy-header':
        this.#gathered.push(chunk)
        return this.#proxyHeader(unixSeconds)
      case 'first-bytes':
        this.#gathered.push(chunk)
        return this.#firstBytes(unixSeconds)
      case 'asking':
        this.#gathered.push(chunk)
        return this.#gathered.bytes.length > maxWaitingBytes ? this.#close('max_buffers_size') : none
      case 'inner-header':
        state.records.push(chunk)
        return this.#innerHeader(state)
    }
  }

  #proxyHeader(unixSeconds: number): readonly AcceptEffect[] {
    const header = parseProxyHeader(this.#gathered.bytes)
    switch (header.kind) {
      case 'incomplete':
        return none
      case 'invalid':
        return this.#close('proxy_header_invalid')
      case 'header': {
        const { source, length } = header
        if (source !== null) this.#ip = ipToText(source.ip)
        this.#gathered.drop(length)
        this.#state = { phase: 'first-bytes' }
        return [{ kind: 'address', source }, ...this.#firstBytes(unixSeconds)]
      }
    }
  }

  #firstBytes(unixSeconds: number): readonly AcceptEffect[] {
    const { bytes } = this.#gathered
    const start = bytes.toString('latin1', 0, 3)
    if ('\x16\x03\x01'.startsWith(start)) {
      if (bytes.length < recordHeaderBytes) return none
      const length = bytes.readUInt16BE(3)
      if (length < helloBytes.min) return this.#refuseTls('tls_client_hello_too_short')
      if (length > helloBytes.max) return this.#alert('tls_bad_client_hello')
      const record = bytes.subarray(0, recordHeaderBytes + length)
      return record.length < recordHeaderBytes + length ? none : this.#hello(record, unixSeconds)
    }
    return bytes.length < obfuscatedHeaderBytes ? none : this.#header()
  }

  #hello(record: Uint8Array, unixSeconds: number): readonly AcceptEffect[] {
    if (!this.#o.allowed.has('fake_tls')) return this.#badClient('disabled_protocol')
    const judged = judgeHello(this.#o, record, unixSeconds)
    switch (judged.kind) {
      case 'valid': {
        const { hello, key } = judged
        const pending: HelloPending = { kind: 'hello', judged, length: record.length }
        return this.#ask(pending, key.name, hello.random, sniOf(hello))
      }
      case 'malformed':
        return this.#alert(judged.reason)
      case 'stranger':
        return this.#frontOrClose('tls_invalid_digest', judged.sni)
      case 'unanswerable':
        return this.#close(judged.reason)
    }
  }

  #header(): readonly AcceptEffect[] {
    const { allowed, keys } = this.#o
    if (allowed.size === 1 && allowed.has('fake_tls')) return this.#badClient('tls_client_hello_expected')
    const header = this.#gathered.bytes.subarray(0, obfuscatedHeaderBytes)
    const opened = openHeader(header, keys)
    if (opened === null) return this.#badClient('unknown_protocol')
    return this.#ask({ kind: 'header', opened }, opened.key.name, headerReplayKey(header), null)
  }

  #ask(
    pending: HelloPending | HeaderPending,
    secret: string,
    replayKey: Uint8Array,
    sni: string | null,
  ): readonly AcceptEffect[] {
    this.#state = { phase: 'asking', pending }
    const newcomer: Newcomer = {
      listener: this.#o.listener,
      secret,
      ip: this.#ip,
      sni,
      replayKey: new Uint8Array(replayKey),
    }
    return [{ kind: 'ask', newcomer }]
  }

  #verdict(verdict: Verdict): readonly AcceptEffect[] {
    if (this.#state.phase !== 'asking') return none
    const { pending } = this.#state
    const refused = 'refused' in verdict ? verdict.refused : null
    return pending.kind === 'hello'
      ? this.#answerHello(pending, refused)
      : this.#answerHeader(pending.opened, refused)
  }

  #answerHello({ judged, length }: HelloPending, refused: RefusalReason | null): readonly AcceptEffect[] {
    const { hello, key, cipherSuite } = judged
    if (refused === 'replay_session_detected') return this.#frontOrClose(refused, hello.sni)
    if (hello.sni === null) return this.#alert('tls_no_sni')
    if (refused !== null) return this.#close(refused)
    const { random, x25519PublicKey, certificateBytes } = this.#o
    const bytes = encodeServerHello({
      key: key.key,
      clientRandom: hello.random,
      sessionId: hello.sessionId,
      cipherSuite,
      x25519PublicKey: x25519PublicKey(),
      certificate: random(drawBetween(certificateBytes, random)),
    })
    const records = new TlsRecordDecoder()
    const state = { phase: 'inner-header', key, sni: sniOf(hello), records } as const
    this.#state = state
    records.push(this.#gathered.take().subarray(length))
    return [{ kind: 'send', bytes }, ...this.#innerHeader(state)]
  }

  #innerHeader({ key, sni, records }: State & { readonly phase: 'inner-header' }): readonly AcceptEffect[] {
    try {
      for (;;) {
        const { bytes } = this.#gathered
        if (bytes.length === obfuscatedHeaderBytes) {
          const opened = openHeader(bytes, [key])
          if (opened === null) return this.#close('unknown_protocol')
          return opened.format === 'padded'
            ? this.#tunnel(opened, sni, records)
            : this.#close('disabled_protocol')
        }
        // Not a byte more than the header, so that what follows stays with the records.
        const some = records.next(obfuscatedHeaderBytes - bytes.length)
        if (some === null) return none
        this.#gathered.push(some)
      }
    } catch (error) {
      if (error instanceof ClientBytesError) return this.#close(error.reason)
      throw error
    }
  }

  #answerHeader(opened: OpenedHeader, refused: RefusalReason | null): readonly AcceptEffect[] {
    if (refused === 'replay_session_detected') return this.#badClient(refused)
    if (!this.#o.allowed.has(protocols[opened.format].option)) return this.#close('disabled_protocol')
    if (refused !== null) return this.#close(refused)
    return this.#tunnel(opened, null, null)
  }

  #tunnel(
    opened: OpenedHeader,
    sni: string | null,
    records: TlsRecordDecoder | null,
  ): readonly AcceptEffect[] {
    const { format, dcId, key, streams } = opened
    const codec = new ServerCodec(format, new ObfuscatedStream(streams, records), this.#o.random)
    // What the records hold of a chunk is read by any push.
    codec.push(this.#gathered.take().subarray(obfuscatedHeaderBytes))
    const protocol = records === null ? protocols[format].label : 'mtp_secure_fake_tls'
    return this.#decide({ kind: 'tunnel', client: { codec, format, dcId, secret: key.name, sni, protocol } })
  }

  /** Where TLS is not spoken, a hello is as good as noise. */
  #refuseTls(reason: RefusalReason): readonly AcceptEffect[] {
    return this.#o.allowed.has('fake_tls') ? this.#close(reason) : this.#badClient(reason)
  }

  #badClient(reason: RefusalReason): readonly AcceptEffect[] {
    switch (this.#o.badClient) {
      case 'close':
        return this.#close(reason)
      case 'swallow':
        return this.#decide({ kind: 'swallow', reason })
      case 'front':
        return this.#front(reason, null)
    }
  }

  #frontOrClose(reason: RefusalReason, sni: string | null): readonly AcceptEffect[] {
    return this.#o.fronting && sni !== null ? this.#front(reason, sni) : this.#close(reason)
  }

  #front(reason: RefusalReason, sni: string | null): readonly AcceptEffect[] {
    return this.#decide({
      kind: 'front',
      reason,
      bytes: this.#gathered.take(),
      sni: sni?.toLowerCase() ?? null,
    })
  }

  #alert(reason: RefusalReason): readonly AcceptEffect[] {
    return this.#decide({ kind: 'alert-and-close', reason, alert: decodeErrorAlert })
  }

  #close(reason: RefusalReason): readonly AcceptEffect[] {
    return this.#decide({ kind: 'close', reason })
  }

  #decide(effect: AcceptEffect): readonly AcceptEffect[] {
    this.#state = { phase: 'decided' }
    this.#gathered.take()
    return [effect]
  }
}

const protocols: Readonly<Record<PacketFormat, { option: AllowedProtocol; label: ProtocolLabel }>> = {
  abridged: { option: 'abridged', label: 'mtp_abridged' },
  intermediate: { option: 'intermediate', label: 'mtp_intermediate' },
  padded: { option: 'secure', label: 'mtp_secure' },
}

function sniOf(hello: ClientHello): string | null {
  return hello.sni?.toLowerCase() ?? null
}

/** A length by chance, even enough: the remainder of 32 bits is hardly biased by a few thousand. */
function drawBetween([least, most]: readonly [number, number], random: RandomBytes): number {
  return least + (asBuffer(random(4)).readUInt32LE(0) % (most - least + 1))
}
