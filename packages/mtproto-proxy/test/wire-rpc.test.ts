import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type CbcStream, cbcDecryptor, cbcEncryptor } from '../src/wire/cbc-stream.js'
import { FrameReader, FrameWriter } from '../src/wire/full-frame.js'
import { ipToText, parseIp, type SocketAddress } from '../src/wire/ip-address.js'
import { type KeyMaterial, middleKeys } from '../src/wire/middle-keys.js'
import { RpcError, UnsendablePacketError } from '../src/wire/middle-proxy-error.js'
import {
  decodeMiddleMessage,
  decodeProxyMessage,
  encodeAnswerHead,
  encodeCloseConn,
  encodeCloseExt,
  encodePing,
  encodePong,
  encodeSimpleAck,
  ProxyRequestHead,
  requestFlags,
} from '../src/wire/rpc.js'
import { hex, vectors } from './vectors/vectors.js'

interface Direction {
  readonly key: string
  readonly iv: string
}
interface Keys {
  readonly server: string
  readonly client: string
  readonly client_to_server: Direction
  readonly server_to_client: Direction
}
interface Step {
  readonly dir: 'proxy->tg' | 'tg->proxy'
  readonly what: string
  readonly seq: number
  readonly body: string
  readonly frame: string
  readonly wire: string
  readonly encrypted?: false
}
interface Recorded extends Keys {
  readonly proxy_secret: string
  readonly client_nonce: string
  readonly server_nonce: string
  readonly crypto_ts: number
  readonly ipv6: Keys
  readonly real_world_key: Direction &
    Record<'proxy_secret' | 'server_nonce' | 'client_nonce', string> & {
      readonly crypto_ts: number
      readonly server: string
      readonly client: string
    }
  readonly transcript: readonly Step[]
  readonly sample_from_mtproto_proxy_tests: {
    readonly data: string
    readonly body: string
    readonly tag: string
  }
}
const recorded = vectors<Recorded>('mtproto-rpc')

function address(text: string): SocketAddress {
  const [, ip = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? []
  return { ip: parseIp(ip) ?? new Uint8Array(16), port: Number(port) }
}

function material({ server, client }: { server: string; client: string }): KeyMaterial {
  return {
    proxySecret: hex(recorded.proxy_secret),
    serverNonce: hex(recorded.server_nonce),
    clientNonce: hex(recorded.client_nonce),
    timestamp: recorded.crypto_ts,
    server: address(server),
    client: address(client),
  }
}

const inHex = ({ key, iv }: { key: Uint8Array; iv: Uint8Array }): Direction => {
  return { key: Buffer.from(key).toString('hex'), iv: Buffer.from(iv).toString('hex') }
}
const keys = middleKeys(material(recorded))
const proxySteps = recorded.transcript.filter(({ dir }) => dir === 'proxy->tg')
const telegramSteps = recorded.transcript.filter(({ dir }) => dir === 'tg->proxy')
const route = {
  connId: 0x1122334455667788n,
  ...address('198.51.100.23:40123'),
  ourIp: address(recorded.client).ip,
  ourPort: 54_208,
  adTag: hex('dcbe8f1493fa4cd9ab300891c0b5b326'),
}
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 256 })

describe('keys of a connection to a middle proxy', () => {
  it.each([
    ['IPv4', recorded],
    ['IPv6', recorded.ipv6],
  ])('5.3: over %s', (_name, expected) => {
    const derived = middleKeys(material(expected))
    expect(inHex(derived.toTelegram)).toEqual(expected.client_to_server)
    expect(inHex(derived.toProxy)).toEqual(expected.server_to_client)
  })

  it('5.3: of a real connection of 2018', () => {
    const { key, iv, ...real } = recorded.real_world_key
    const derived = middleKeys({
      proxySecret: hex(real.proxy_secret),
      serverNonce: hex(real.server_nonce),
      clientNonce: hex(real.client_nonce),
      timestamp: real.crypto_ts,
      server: address(real.server),
      client: address(real.client),
    })
    expect(inHex(derived.toTelegram)).toEqual({ key, iv })
  })

  test.prop([bytes32, fc.nat(65_535), fc.nat(65_535)])(
    '5.3: depend on every address and port',
    (proxySecret, serverPort, clientPort) => {
      const all = [
        { server: `192.0.2.1:${serverPort}`, client: `192.0.2.2:${clientPort}` },
        { server: `192.0.2.1:${serverPort ^ 1}`, client: `192.0.2.2:${clientPort}` },
        { server: `192.0.2.1:${serverPort}`, client: `192.0.2.2:${clientPort ^ 1}` },
        { server: `192.0.2.1:${serverPort}`, client: `192.0.2.3:${clientPort}` },
        { server: `[2001:db8::1]:${serverPort}`, client: `[2001:db8::2]:${clientPort}` },
        { server: `[2001:db8::1]:${serverPort}`, client: `[2001:db8::3]:${clientPort}` },
      ].map((ends) => middleKeys({ ...material(ends), proxySecret }))
      const distinct = new Set(
        all.flatMap(({ toProxy, toTelegram }) => [inHex(toProxy).key, inHex(toTelegram).key]),
      )
      expect(distinct.size).toBe(12)
    },
  )
})

/** Decrypts one direction of the transcript, cut as told, and reads its frames. */
function readDirection(steps: readonly Step[], decrypt: CbcStream, size: number): string[] {
  const plain = Buffer.concat(
    steps.filter(({ encrypted }) => encrypted === false).map(({ wire }) => hex(wire)),
  )
  const wire = Buffer.concat(
    steps.filter(({ encrypted }) => encrypted !== false).map(({ wire }) => hex(wire)),
  )
  const reader = new FrameReader()
  const bodies: string[] = []
  const take = (chunk: Buffer): void => {
    reader.feed(chunk)
    for (let body = reader.next(); body !== null; body = reader.next()) {
      if (!Buffer.isBuffer(body)) throw body
      bodies.push(body.toString('hex'))
    }
  }
  take(plain)
  for (let at = 0; at < wire.length; at += size) take(decrypt(wire.subarray(at, at + size)))
  return bodies
}

describe('the recorded connection', () => {
  it.each([
    ['proxy->tg', proxySteps, keys.toTelegram],
    ['tg->proxy', telegramSteps, keys.toProxy],
  ] as const)('5.1, 5.3: %s is written byte by byte', (_dir, steps, key) => {
    const encrypt = cbcEncryptor(key)
    for (const { seq, body, wire, encrypted } of steps) {
      const writer = new FrameWriter({ seq, ...(encrypted !== false && { encrypt }) })
      expect(writer.write(hex(body)).toString('hex')).toBe(wire)
    }
  })

  it.each([
    ['proxy->tg', proxySteps, keys.toTelegram],
    ['tg->proxy', telegramSteps, keys.toProxy],
  ] as const)('5.1, 5.3: %s is read, in chunks of any size', (_dir, steps, key) => {
    for (let size = 1; size < 200; size += 1) {
      expect(readDirection(steps, cbcDecryptor(key), size)).toEqual(steps.map(({ body }) => body))
    }
  })

  it.each(proxySteps.filter(({ what }) => what.startsWith('RPC_PROXY_REQ')))(
    '5.5: $what',
    ({ what, body }) => {
      const format = what.includes('abridged')
        ? 'abridged'
        : what.includes('secure')
          ? 'padded'
          : 'intermediate'
      const decoded = decodeProxyMessage(hex(body))
      if (decoded instanceof RpcError || decoded.kind !== 'request') throw new Error('no request')
      const { payload, flags, adTag } = decoded
      const hasTag = !what.includes('no ad tag')
      expect(adTag === null ? null : Buffer.from(adTag)).toEqual(hasTag ? route.adTag : null)
      expect([decoded.connId, ipToText(decoded.ip), decoded.port]).toEqual([
        route.connId,
        '198.51.100.23',
        40_123,
      ])
      expect([ipToText(decoded.ourIp), decoded.ourPort]).toEqual(['203.0.113.7', 54_208])
      const quickAck = what.includes('quick-ack')
      expect((flags & requestFlags.quickAck) !== 0).toBe(quickAck)
      expect((flags & requestFlags.notEncrypted) !== 0).toBe(what.includes('unencrypted'))
      const head = new ProxyRequestHead({ ...route, adTag: hasTag ? route.adTag : null, format })
      expect(Buffer.concat([head.for(payload, { quickAck }), payload]).toString('hex')).toBe(body)
    },
  )

  it('5.5: the request of the reference', () => {
    const { data, body, tag } = recorded.sample_from_mtproto_proxy_tests
    const head = new ProxyRequestHead({
      connId: 1n,
      ...address('109.238.131.159:1128'),
      ourIp: address('80.211.29.34:1').ip,
      ourPort: 53_634,
      adTag: hex(tag),
      format: 'abridged',
    })
    expect(Buffer.concat([head.for(hex(data), { quickAck: false }), hex(data)]).toString('hex')).toBe(body)
  })

  it.each(recorded.transcript.filter(({ seq, what }) => seq >= 0 && !what.startsWith('RPC_PROXY_REQ')))(
    '5.5: $what is read and written',
    ({ dir, what, body }) => {
      const bytes = hex(body)
      const id = 0x0102030405060708n
      const { connId } = route
      if (what.startsWith('RPC_PROXY_ANS')) {
        const payload = bytes.subarray(16)
        const flags = what.includes('0x10') ? 0x10 : 0
        expect(decodeMiddleMessage(bytes)).toEqual({ kind: 'answer', connId, flags, payload })
        expect(Buffer.concat([encodeAnswerHead(connId, flags), payload])).toEqual(bytes)
      } else if (what.startsWith('RPC_SIMPLE_ACK')) {
        const confirm = hex('8a1b2c3d')
        expect(decodeMiddleMessage(bytes)).toEqual({ kind: 'simple-ack', connId, confirm })
        expect(encodeSimpleAck(connId, confirm)).toEqual(bytes)
      } else if (what.startsWith('RPC_PING')) {
        expect([decodeMiddleMessage(bytes), decodeProxyMessage(bytes)]).toEqual(
          Array(2).fill({ kind: 'ping', id }),
        )
        expect(encodePing(id)).toEqual(bytes)
      } else if (what.startsWith('RPC_PONG')) {
        expect([decodeMiddleMessage(bytes), decodeProxyMessage(bytes)]).toEqual(
          Array(2).fill({ kind: 'pong', id }),
        )
        expect(encodePong(id)).toEqual(bytes)
      } else if (what.startsWith('RPC_CLOSE')) {
        expect(decodeMiddleMessage(bytes)).toEqual({ kind: 'close', connId })
        if (dir === 'proxy->tg') expect(decodeProxyMessage(bytes)).toEqual({ kind: 'close', connId })
        expect(dir === 'proxy->tg' ? encodeCloseConn(connId) : encodeCloseExt(connId)).toEqual(bytes)
      } else {
        expect(decodeMiddleMessage(bytes)).toEqual({ kind: 'unknown', type: 0xefbeadde, bytes: 8 })
      }
    },
  )
})

describe('messages', () => {
  test.prop([fc.uint8Array({ maxLength: 120 })], { numRuns: 1000 })(
    '5.5: any bytes are a message or a typed error',
    (bytes) => {
      for (const decode of [decodeMiddleMessage, decodeProxyMessage]) {
        const message = decode(Buffer.from(bytes))
        expect(message instanceof RpcError || typeof message.kind === 'string').toBe(true)
      }
    },
  )

  test.prop([
    fc.constantFrom(...recorded.transcript.filter(({ seq }) => seq >= 0).map(({ body }) => body)),
    fc.nat(),
    fc.nat(255),
    fc.nat(8),
  ])('5.5: a damaged message is a message or a typed error', (body, at, byte, shorter) => {
    const bytes = Buffer.from(hex(body).subarray(0, hex(body).length - shorter))
    bytes[at % bytes.length] = byte
    for (const decode of [decodeMiddleMessage, decodeProxyMessage]) {
      const message = decode(bytes)
      expect(message instanceof RpcError || typeof message.kind === 'string').toBe(true)
    }
  })

  test.prop([
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.nat(65_535),
    fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
    fc.constantFrom('abridged' as const, 'intermediate' as const, 'padded' as const),
    fc.uint8Array({ minLength: 8, maxLength: 64 }).map((bytes) => bytes.subarray(0, bytes.length & ~3)),
    fc.boolean(),
  ])('5.5: what a request says is read again', (connId, ip, port, adTag, format, payload, quickAck) => {
    const head = new ProxyRequestHead({ ...route, connId, ip, port, adTag, format })
    const read = decodeProxyMessage(Buffer.concat([head.for(payload, { quickAck }), payload]))
    expect(read).toMatchObject({ kind: 'request', connId, port, payload: Buffer.from(payload) })
    if (read instanceof RpcError || read.kind !== 'request') throw new Error('no request')
    expect(Buffer.from(ip).equals(read.ip)).toBe(true)
    expect(read.adTag === null ? null : new Uint8Array(read.adTag)).toEqual(adTag)
    expect((read.flags & requestFlags.notEncrypted) !== 0).toBe(
      payload.subarray(0, 8).every((byte) => byte === 0),
    )
  })

  it('5.5: the flags are those of the specification', () => {
    const flagsOf = (format: 'abridged' | 'intermediate' | 'padded', quickAck = false): string =>
      new ProxyRequestHead({ ...route, format })
        .for(Buffer.alloc(8, 1), { quickAck })
        .readUInt32LE(4)
        .toString(16)
    expect([flagsOf('abridged'), flagsOf('intermediate'), flagsOf('padded')]).toEqual([
      '40021008',
      '20021008',
      '28021008',
    ])
    expect(flagsOf('padded', true)).toBe('a8021008')
  })

  it.each([
    ['9b40ac3b8877665544332211', 'an RPC_SIMPLE_ACK without its four bytes'],
    ['9b40ac3b88776655443322118a1b2c3d00000000', 'one with eight'],
    ['a234b65e887766554433221100000000', 'a longer RPC_CLOSE_EXT'],
    ['dfa2305708070605', 'a shorter RPC_PING'],
    ['0dda03440000000088776655', 'an RPC_PROXY_ANS without an id'],
  ])('5.5: %s is %s, an error', (body) => {
    expect(decodeMiddleMessage(hex(body))).toBeInstanceOf(RpcError)
  })

  it('5.5: a block of extra data stands before the payload, whatever is in it; one that is too long is an error', () => {
    const payload = Buffer.alloc(8, 1)
    const head = new ProxyRequestHead({ ...route, adTag: null, format: 'abridged' }).for(payload, {
      quickAck: false,
    })
    const withInfo = (extraBytes: number): Buffer => {
      const bytes = Buffer.concat([head, Buffer.from([extraBytes, 0, 0, 0]), Buffer.alloc(12), payload])
      bytes.writeInt32LE(bytes.readInt32LE(4) | 4, 4)
      return bytes
    }
    expect(decodeProxyMessage(withInfo(12))).toMatchObject({ kind: 'request', payload, adTag: null })
    expect(decodeProxyMessage(withInfo(20))).toMatchObject({ kind: 'request', payload: Buffer.alloc(0) })
    expect(decodeProxyMessage(withInfo(24))).toBeInstanceOf(RpcError)
  })

  it('3.3: a packet that is no multiple of 4 is never sent', () => {
    const head = new ProxyRequestHead({ ...route, format: 'padded' })
    expect(() => head.for(Buffer.alloc(7), { quickAck: false })).toThrow(UnsendablePacketError)
  })
})
