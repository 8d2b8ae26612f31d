import { Buffer } from 'node:buffer'
import {
  Acceptance,
  type AcceptEffect,
  type AcceptOptions,
  ClientBytesError,
  ClientCodec,
  encodePacket,
  encodeQuickAck,
  encodeTlsRecords,
  formatSecret,
  isStrictPacket,
  LinkError,
  ObfuscatedStream,
  openClient,
  openHeader,
  PacketDecoder,
  parseLink,
  parseProxyHeader,
  parseSecret,
  ReplyDecoder,
  SecretError,
  ServerHelloReader,
  TlsRecordDecoder,
} from '@holdfast/mtproto-proxy'
import { codecs, fakeTls, formatOf, obfuscated2 } from '../vectors/client-vectors.js'
import { hex } from '../vectors/vectors.js'
import type { FuzzTarget } from './target.js'

const formats = ['abridged', 'intermediate', 'padded'] as const
const key = hex(fakeTls.secret)
const fill = (size: number): Uint8Array => Buffer.alloc(size, 0x5a)
const [recorded] = fakeTls.cases
const proxyHeaders = [
  Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n'),
  hex('0d0a0d0a000d0a515549540a2111000cc0000201c6336401d43101bb'),
]

/** Follows a decoder over pieces; ends at its typed error. */
function follow(
  pieces: readonly Buffer[],
  decoder: { push(chunk: Buffer): void; next(): unknown; readonly heldBytes?: number },
): { held: number; outcome: string } {
  const all: string[] = []
  let held = 0
  try {
    for (const piece of pieces) {
      decoder.push(piece)
      for (let next = decoder.next(); next !== null; next = decoder.next()) all.push(show(next))
      held = Math.max(held, decoder.heldBytes ?? 0)
    }
  } catch (error) {
    if (!(error instanceof ClientBytesError)) throw error
    all.push(error.reason)
  }
  return { held, outcome: all.join('\n') }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member instanceof Uint8Array ? Buffer.from(member).toString('hex') : member,
  )
}

const packetTargets = formats.map(
  (format): FuzzTarget => ({
    name: `packets, ${format}`,
    seeds: codecs.frames.filter(({ proto }) => formatOf(proto) === format).map(({ frame }) => hex(frame)),
    run: (pieces) => {
      const decoder = new PacketDecoder(format)
      // Chunks are taken over by it.
      return follow(
        pieces.map((piece) => Buffer.from(piece)),
        decoder,
      )
    },
    bound: (bytes) => 2 * bytes,
  }),
)

const replyTargets = formats.map(
  (format): FuzzTarget => ({
    name: `replies, ${format}`,
    seeds: [
      Buffer.concat([
        encodePacket(format, fill(40)),
        encodeQuickAck(format, hex('010203ff')),
        encodePacket(format, fill(600)),
      ]),
      hex(codecs.simple_ack_secure_framed_alternative.captured_from_c),
    ],
    run: (pieces) =>
      follow(
        pieces.map((piece) => Buffer.from(piece)),
        new ReplyDecoder(format),
      ),
    bound: () => 0,
  }),
)

const records: FuzzTarget = {
  name: 'TLS records',
  seeds: [encodeTlsRecords(fill(300)), hex('14030300010117030300026162')],
  run: (pieces) => {
    const decoder = new TlsRecordDecoder()
    // As it gives what has come of a record, only the sum is the same for every cut.
    const payload: string[] = []
    const { held, outcome } = follow(pieces, {
      push: (chunk) => {
        decoder.push(chunk)
      },
      next: () => {
        const some = decoder.next()
        if (some === null) return null
        payload.push(some.toString('hex'))
        return ''
      },
      get heldBytes() {
        return decoder.heldBytes
      },
    })
    return { held, outcome: payload.join('') + outcome.replace(/[\n"]/g, '') }
  },
  bound: () => 5,
}

/** The client's codec over whatever a proxy sends. */
const clientCodec: FuzzTarget = {
  name: "a client's codec",
  seeds: [encodeTlsRecords(fill(300))],
  run: (pieces) => {
    const opened = openHeader(hex(obfuscated2.cases[2]?.wire ?? ''), [{ name: 'it', key }])
    if (opened === null) throw new Error('the recorded header does not open')
    return follow(
      pieces,
      new ClientCodec('padded', new ObfuscatedStream(opened.streams, new TlsRecordDecoder()), fill),
    )
  },
  bound: () => 0,
}

const serverHello: FuzzTarget = {
  name: 'ServerHello',
  seeds: [hex(recorded?.server_response ?? ''), hex('15030300020232')],
  run: (pieces) => {
    const reader = new ServerHelloReader(key, hex(recorded?.client_random ?? ''))
    for (const piece of pieces) {
      const result = reader.push(piece)
      if (result !== null) return { held: 0, outcome: result.kind }
    }
    return { held: 0, outcome: 'waiting' }
  },
  bound: () => 0,
}

const proxyHeader: FuzzTarget = {
  name: 'PROXY header',
  seeds: proxyHeaders,
  run: (pieces) => {
    let all = Buffer.alloc(0)
    for (const piece of pieces) {
      all = Buffer.concat([all, piece])
      const parsed = parseProxyHeader(all)
      if (parsed.kind !== 'incomplete') return { held: 0, outcome: show(parsed) }
    }
    return { held: all.length, outcome: 'incomplete' }
  },
  bound: () => 4096,
}

const texts: FuzzTarget = {
  name: 'secrets and links',
  seeds: fakeTls.secret_formats.flatMap(({ input }) => [
    Buffer.from(input),
    Buffer.from(`tg://proxy?server=192.0.2.1&port=443&secret=${input}`),
    Buffer.from(`https://t.me/proxy?server=2001:db8::1&port=443&secret=${input}`),
  ]),
  run: (pieces) => {
    const text = Buffer.concat(pieces).toString('latin1')
    const outcome = [parseSecret, (link: string) => parseLink(link).secret].map((parse) => {
      try {
        return formatSecret(parse(text))
      } catch (error) {
        if (error instanceof SecretError || error instanceof LinkError) return error.message
        throw error
      }
    })
    return { held: 0, outcome: outcome.join(' ') }
  },
  bound: () => 0,
}

const strict: FuzzTarget = {
  name: 'unencrypted packets',
  seeds: [...obfuscated2.captured_tdlib.map(({ first_packet }) => hex(first_packet))],
  run: (pieces) => ({ held: 0, outcome: String(isStrictPacket(Buffer.concat(pieces))) }),
  bound: () => 0,
}

/** Streams of whole clients, made and captured. */
function clientStreams(): Buffer[] {
  const openings = (['plain', 'secure'] as const).map((kind) => {
    const step = openClient({
      secret: { kind, key },
      dcId: 2,
      plainFormat: 'abridged',
      timestamp: 0,
      x25519PublicKey: fill(32),
      random: fill,
    })
    if (step.kind !== 'ready') throw new Error('not ready')
    return Buffer.concat([
      step.send,
      step.codec.encode(fill(400)),
      step.codec.encode(fill(40), { quickAck: true }),
    ])
  })
  const captured = fakeTls.captured_tdlib_1_8_65
  return [
    ...openings,
    ...obfuscated2.captured_tdlib.map(({ stream_c2s }) => hex(stream_c2s)),
    ...fakeTls.cases.map(({ client_hello }) => hex(client_hello)),
    hex(fakeTls.malformed.client_hello),
    hex(captured.client_hello + captured.client_after_hello),
  ]
}

const acceptOptions: AcceptOptions = {
  listener: 'fuzz',
  keys: [{ name: 'it', key }],
  allowed: new Set(['fake_tls', 'secure', 'abridged', 'intermediate']),
  perSniSalt: null,
  timeSkew: 'off',
  certificateBytes: [100, 100],
  badClient: 'close',
  fronting: true,
  isBalancer: () => false,
  random: fill,
  x25519PublicKey: () => fill(32),
}

function newcomer(name: string, o: Partial<AcceptOptions>, seeds: readonly Buffer[]): FuzzTarget {
  return {
    name,
    seeds,
    run: (pieces) => {
      const machine = new Acceptance({ ...acceptOptions, ...o }, '192.0.2.1')
      const outcome: string[] = []
      let held = 0
      let inside: (AcceptEffect & { kind: 'tunnel' })['client']['codec'] | null = null
      const apply = (effects: readonly AcceptEffect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'tunnel') inside = effect.client.codec
          if (effect.kind === 'ask') {
            apply(
              machine.handle({
                kind: 'verdict',
                verdict: { transferred: () => true, leave: () => undefined },
              }),
            )
          } else outcome.push('reason' in effect ? `${effect.kind} ${effect.reason}` : effect.kind)
        }
      }
      const codec = {
        get heldBytes() {
          return inside?.heldBytes ?? machine.heldBytes
        },
        push(chunk: Buffer) {
          if (inside === null) apply(machine.handle({ kind: 'bytes', chunk, unixSeconds: 0 }))
          else inside.push(chunk)
        },
        next: (): unknown => inside?.next() ?? null,
      }
      const after = follow(pieces, codec)
      held = Math.max(held, after.held)
      return { held, outcome: [...outcome, after.outcome].join('\n') }
    },
    bound: (bytes) => 2 * bytes,
  }
}

/** Everything of a client that reaches us, and everything of a proxy that reaches our clients. */
export const clientTargets: readonly FuzzTarget[] = [
  ...packetTargets,
  ...replyTargets,
  records,
  clientCodec,
  serverHello,
  proxyHeader,
  texts,
  strict,
  newcomer('newcomers', {}, clientStreams()),
  newcomer(
    'newcomers behind a balancer',
    { isBalancer: () => true, badClient: 'front' },
    clientStreams().flatMap((stream) => proxyHeaders.map((header) => Buffer.concat([header, stream]))),
  ),
]
