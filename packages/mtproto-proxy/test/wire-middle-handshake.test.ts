import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import {
  MiddleProxyHandshake,
  type MiddleProxyHandshakeOptions,
} from '../src/testing/middle-proxy-handshake.js'
import { cbcEncryptor } from '../src/wire/cbc-stream.js'
import type { FrameChannel } from '../src/wire/frame-channel.js'
import { FrameWriter } from '../src/wire/full-frame.js'
import { encodeHandshake, encodeNonce } from '../src/wire/handshake-messages.js'
import { parseIp, type SocketAddress } from '../src/wire/ip-address.js'
import { MiddleHandshake, type MiddleHandshakeOptions } from '../src/wire/middle-handshake.js'
import { middleKeys } from '../src/wire/middle-keys.js'
import { MiddleHandshakeError } from '../src/wire/middle-proxy-error.js'
import { oneByOne } from './support/pieces.js'
import { hex, vectors } from './vectors/vectors.js'

const now = 1_700_000_000
const at = (ip: string, port: number): SocketAddress => ({ ip: parseIp(ip) ?? new Uint8Array(16), port })
const ends = { server: at('149.154.162.38', 8888), client: at('203.0.113.7', 54_208) }
const proxySecret = Buffer.alloc(128, 's')
const clientNonce = Buffer.alloc(16, 'c')
const serverNonce = Buffer.alloc(16, 'n')

interface Outcome {
  readonly ours: FrameChannel | null
  readonly theirs: FrameChannel | null
  readonly error: MiddleHandshakeError | null
}

/** Has both sides talk, all bytes cut as told, until neither says anything more. */
function shake(
  proxy: Partial<MiddleHandshakeOptions> = {},
  middle: Partial<MiddleProxyHandshakeOptions> = {},
  cut: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes],
): Outcome {
  const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now, ...proxy })
  const theirEnd = new MiddleProxyHandshake({ ...ends, proxySecret, serverNonce, timestamp: now, ...middle })
  let ours: FrameChannel | null = null
  let theirs: FrameChannel | null = null
  let error: MiddleHandshakeError | null = null
  let toThem: readonly Buffer[] = [ourEnd.greeting]
  let theyLeft = false
  while (toThem.length > 0) {
    const toUs: Buffer[] = []
    for (const effect of toThem.flatMap(cut).flatMap((chunk) => (theyLeft ? [] : theirEnd.push(chunk)))) {
      if (effect.kind === 'send') toUs.push(effect.bytes)
      else if (effect.kind === 'ready') theirs = effect.channel
      else theyLeft = true
    }
    const back: Buffer[] = []
    for (const effect of toUs.flatMap(cut).flatMap((chunk) => ourEnd.push(chunk, now))) {
      if (effect.kind === 'send') back.push(effect.bytes)
      else if (effect.kind === 'ready') ours = effect.channel
      else error = effect.error
    }
    toThem = back
  }
  if (theyLeft && error === null) error = ourEnd.ended()
  return { ours, theirs, error }
}

/** Sends through one end, and reads at the other. */
function passes(from: FrameChannel | null, to: FrameChannel | null, body: Buffer): boolean {
  to?.feed(from?.write(body) ?? Buffer.alloc(0))
  const got = to?.next()
  return Buffer.isBuffer(got) && got.equals(body) && to?.next() === null
}

describe('the handshake with a middle proxy', () => {
  it.each([
    ['IPv4', {}],
    ['IPv6', { server: at('2001:db8::1', 80), client: at('2001:db8::2', 1024) }],
  ])('5.2 to 5.4: makes a channel over %s', (_name, addresses) => {
    const { ours, theirs } = shake(addresses, addresses)
    for (const size of [4, 8, 12, 1000, 65_536]) {
      expect(passes(ours, theirs, Buffer.alloc(size, 'a'))).toBe(true)
      expect(passes(theirs, ours, Buffer.alloc(size, 'b'))).toBe(true)
    }
  })

  it('5.2: our nonce is the recorded one, and has 44 bytes', () => {
    const recorded = vectors<{
      proxy_secret: string
      client_nonce: string
      crypto_ts: number
      transcript: { wire: string; what: string }[]
    }>('mtproto-rpc')
    const steps = recorded.transcript
    const handshake = new MiddleHandshake({
      ...ends,
      proxySecret: hex(recorded.proxy_secret),
      clientNonce: hex(recorded.client_nonce),
      timestamp: recorded.crypto_ts,
    })
    expect(handshake.greeting.toString('hex')).toBe(steps[0]?.wire)
    expect(handshake.greeting).toHaveLength(44)
    const [sent] = handshake.push(hex(steps[1]?.wire ?? ''), now)
    expect(sent).toEqual({ kind: 'send', bytes: hex(steps[2]?.wire ?? '') })
    const [ready] = handshake.push(hex(steps[3]?.wire ?? ''), now)
    expect(ready?.kind).toBe('ready')
  })

  it('5.2, 5.3: the bytes may come in any pieces, with the nonce padded or not', () => {
    for (const noncePadding of [0, 1, 3]) {
      for (let size = 1; size < 70; size += 1) {
        const cut = (bytes: Buffer): Buffer[] =>
          Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
            bytes.subarray(index * size, (index + 1) * size),
          )
        const { ours, theirs } = shake({}, { noncePadding }, cut)
        expect(passes(ours, theirs, Buffer.alloc(20, 1)), `size ${size}`).toBe(true)
        expect(passes(theirs, ours, Buffer.alloc(20, 2)), `size ${size}`).toBe(true)
      }
    }
  })

  it('5.4: messages may follow the handshake in the same chunk', () => {
    const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
    const theirEnd = new MiddleProxyHandshake({ ...ends, proxySecret, serverNonce, timestamp: now })
    const [nonce] = theirEnd.push(ourEnd.greeting)
    if (nonce?.kind !== 'send') throw new Error('no nonce')
    const [handshake] = ourEnd.push(nonce.bytes, now)
    if (handshake?.kind !== 'send') throw new Error('no handshake')
    const [answer, ready] = theirEnd.push(handshake.bytes)
    if (answer?.kind !== 'send' || ready?.kind !== 'ready') throw new Error('not ready')
    const early = [ready.channel.write(Buffer.alloc(8, 1)), ready.channel.write(Buffer.alloc(12, 2))]
    const chunk = Buffer.concat([answer.bytes, ...early])
    const effects = ourEnd.push(chunk.subarray(0, chunk.length - 5), now)
    const channel = effects[0]?.kind === 'ready' ? effects[0].channel : null
    expect(channel?.next()).toEqual(Buffer.alloc(8, 1))
    expect(channel?.next()).toBeNull()
    channel?.feed(chunk.subarray(chunk.length - 5))
    expect(channel?.next()).toEqual(Buffer.alloc(12, 2))
  })

  it.each([
    [true, true, 'crc32c'],
    [true, false, 'crc32'],
    [false, true, 'crc32'],
  ] as const)('5.1: CRC-32C is used if both sides have it: %s, %s', (weHave, theyHave, checksum) => {
    const { ours, theirs } = shake({ crc32c: weHave }, { crc32c: theyHave })
    expect([ours?.checksum, theirs?.checksum]).toEqual([checksum, checksum])
    expect(passes(ours, theirs, Buffer.alloc(20, 1))).toBe(true)
    expect(passes(theirs, ours, Buffer.alloc(20, 2))).toBe(true)
  })

  it.each([
    [31, 'ahead'],
    [-31, 'behind'],
  ])('5.2: a clock that differs by %i s is said to be wrong', (by, word) => {
    const { error } = shake({}, { timestamp: now + by })
    expect(error?.problem).toBe('clock')
    expect(error?.message).toContain(`the clock of this host is wrong: Telegram’s is 31 s ${word}`)
  })

  it.each([30, -30])('5.2: a clock that differs by %i s will do', (by) => {
    expect(shake({}, { timestamp: now + by }).error).toBeNull()
  })

  it('5.2: another proxy secret is said so', () => {
    const other = Buffer.alloc(128, 'o')
    expect(shake({}, { proxySecret: other }).error?.problem).toBe('nonce-rejected')
    const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
    const theirEnd = new MiddleProxyHandshake({
      ...{ ...ends, proxySecret: other, serverNonce, timestamp: now },
    })
    const [answer] = theirEnd.push(
      new MiddleHandshake({ ...ends, proxySecret: other, clientNonce, timestamp: now }).greeting,
    )
    if (answer?.kind !== 'send') throw new Error('no nonce')
    expect(ourEnd.push(answer.bytes, now)[0]).toMatchObject({ kind: 'failed', error: { problem: 'secret' } })
  })

  it('5.2: a middle proxy that wants another encryption is refused', () => {
    const nonce = encodeNonce({ selector: proxySecret, timestamp: now, nonce: serverNonce })
    nonce.writeUInt32LE(3, 8)
    const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
    const effects = ourEnd.push(new FrameWriter().write(nonce), now)
    expect(effects).toMatchObject([{ kind: 'failed', error: { problem: 'schema' } }])
  })

  it('5.4: so is one that answers another process', () => {
    const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
    const nonce = encodeNonce({ selector: proxySecret, timestamp: now, nonce: serverNonce })
    ourEnd.push(new FrameWriter().write(nonce), now)
    const keys = middleKeys({ ...ends, proxySecret, clientNonce, serverNonce, timestamp: now })
    const writer = new FrameWriter({ seq: -1, encrypt: cbcEncryptor(keys.toProxy) })
    const pid = Buffer.alloc(12, 'other')
    const effects = ourEnd.push(writer.write(encodeHandshake({ flags: 0, sender: pid, peer: pid })), now)
    expect(effects).toMatchObject([{ kind: 'failed', error: { problem: 'pid' } }])
  })

  it.each([true, false])('11: checksums are compared if `mtp_full_check_crc32` is %s', (verify) => {
    const { ours, theirs } = shake({ verify }, { tamper: (frame) => frame.fill(9, 8, 12) })
    ours?.feed(theirs?.write(Buffer.alloc(4)) ?? Buffer.alloc(0))
    expect(Buffer.isBuffer(ours?.next())).toBe(!verify)
  })

  it('5.3: a NAT that rewrites addresses or ports is named as what went wrong', () => {
    const natted = shake({}, { client: at('203.0.113.8', 1025) })
    expect(natted.error?.problem).toBe('keys')
    expect(natted.error?.message).toMatch(
      /closed the connection.*another address than 203\.0\.113\.7.*54208.*NAT/s,
    )
  })

  it('5.3: so is garbage in answer to the encrypted handshake', () => {
    const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
    const theirEnd = new MiddleProxyHandshake({ ...ends, proxySecret, serverNonce, timestamp: now })
    const [nonce] = theirEnd.push(ourEnd.greeting)
    if (nonce?.kind !== 'send') throw new Error('no nonce')
    ourEnd.push(nonce.bytes, now)
    const [effect] = ourEnd.push(Buffer.alloc(64, 5), now)
    expect(effect).toMatchObject({
      kind: 'failed',
      error: { problem: 'keys', code: 'HF_MTPROTO_HANDSHAKE_FAILED' },
    })
    expect(ourEnd.push(Buffer.alloc(64), now)).toEqual([])
  })

  it('5.4: RPC_HANDSHAKE_ERROR is told with its code', () => {
    const { error } = shake({}, { refuse: -7 })
    expect([error?.problem, error?.message.includes('code -7')]).toEqual(['refused', true])
  })

  it('5.2: what is no middle proxy is said to be none', () => {
    for (const bytes of [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      new FrameWriter().write(hex('aabbccdd')),
    ]) {
      const handshake = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
      const effects = oneByOne(bytes).flatMap((byte) => handshake.push(byte, now))
      expect(effects).toMatchObject([{ kind: 'failed', error: { problem: 'not-a-middle-proxy' } }])
    }
  })

  test.prop([fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { maxLength: 4 }), fc.boolean()])(
    '5.2 to 5.4: any bytes get no further than a typed error',
    (chunks, isAfterNonce) => {
      const ourEnd = new MiddleHandshake({ ...ends, proxySecret, clientNonce, timestamp: now })
      const theirEnd = new MiddleProxyHandshake({ ...ends, proxySecret, serverNonce, timestamp: now })
      const [nonce] = theirEnd.push(ourEnd.greeting)
      if (isAfterNonce && nonce?.kind === 'send') ourEnd.push(nonce.bytes, now)
      const effects = chunks.flatMap((chunk) => ourEnd.push(chunk, now))
      expect(effects.length).toBeLessThanOrEqual(1)
      for (const effect of effects) expect(effect.kind).toBe('failed')
      expect(ourEnd.ended()).toBeInstanceOf(MiddleHandshakeError)
    },
  )
})
