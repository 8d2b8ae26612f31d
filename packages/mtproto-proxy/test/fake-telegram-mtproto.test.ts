import { checkPrimeSync, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { igeDecrypt, igeEncrypt } from '../src/testing/telegram/aes-ige.js'
import { AuthKey } from '../src/testing/telegram/auth-key.js'
import { DataCenter } from '../src/testing/telegram/data-center.js'
import { dhPrime } from '../src/testing/telegram/diffie-hellman.js'
import { writePlain } from '../src/testing/telegram/plain-message.js'
import { RsaKey } from '../src/testing/telegram/rsa-key.js'
import { bytes, long, TlReader, uint } from '../src/testing/telegram/tl.js'
import { exchangeKeys, type Message, MtprotoSession } from './support/mtproto-client.js'
import { hex } from './vectors/vectors.js'

const key = new RsaKey()
const config = {
  thisDc: 2,
  datacenters: [
    { id: 1, port: 443 },
    { id: -2, port: 8888 },
  ],
}
let time = 1_700_000_000_123

function dataCenter(rsa: RsaKey | null = key): DataCenter {
  return new DataCenter({ key: rsa, now: () => time, config: () => config })
}

const asks =
  (dc: DataCenter) =>
  async (packet: Buffer): Promise<Buffer> => {
    const [answer, ...more] = dc.answer(packet)
    if (answer === undefined || more.length > 0) throw new Error('not one answer')
    return answer
  }

async function signedOn(
  dc = dataCenter(),
): Promise<{ say: (body: Buffer, salt?: bigint) => Message[]; dc: DataCenter; session: MtprotoSession }> {
  const session = new MtprotoSession(
    await exchangeKeys(asks(dc), { pem: key.pem, fingerprint: key.fingerprint, form: 'new' }),
  )
  const say = (body: Buffer, salt?: bigint): Message[] =>
    dc
      .answer(session.seal(body, salt === undefined ? {} : { salt }).packet)
      .map((packet) => session.open(packet))
  return { say, dc, session }
}

const types = (messages: readonly Message[]): string[] =>
  messages.map(({ body }) => body.readUInt32LE().toString(16))
const ping = Buffer.concat([uint(0x7abe77ec), long(5n)])
const getConfig = uint(0xc4f9186b)
const client = Buffer.concat([
  ...[uint(0xda9b0d0d), uint(200), uint(0xc1cd5ea9), uint(3), uint(1)],
  ...Array.from({ length: 6 }, () => bytes('words')),
  ...[uint(0x75588b3f), bytes('127.0.0.1'), uint(443)],
  // { "tz_offset": 0, "list": [true, "x"] }
  ...[uint(0x99c1d49d), uint(0x1cb5c415), uint(2)],
  ...[uint(0xc0de1bd9), bytes('tz_offset'), uint(0x2be0dfa4), long(0n)],
  ...[uint(0xc0de1bd9), bytes('list'), uint(0xf7444763), uint(0x1cb5c415), uint(2)],
  ...[uint(0xc7345e6a), uint(0x997275b5), uint(0xb71e767a), bytes('x')],
])

describe('AES in IGE mode', () => {
  it('mixes each block with what went in and came out before it', () => {
    const k = Buffer.alloc(32, 'key')
    const iv = Buffer.alloc(32, 'iv')
    const block = Buffer.alloc(16, 1)
    const twice = igeEncrypt(Buffer.concat([block, block]), k, iv)
    const first = igeEncrypt(block, k, iv)
    expect(twice.subarray(0, 16)).toEqual(first)
    expect(twice.subarray(16)).toEqual(igeEncrypt(block, k, Buffer.concat([first, block])))
  })

  test.prop([fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(10)])('is undone', (seed, blocks) => {
    const [k, iv] = [seed.subarray(0, 32), seed.subarray(32)]
    const plain = Buffer.alloc(16 * blocks, 'IGE')
    expect(igeDecrypt(igeEncrypt(plain, k, iv), k, iv)).toEqual(plain)
  })
})

describe('a data centre of the embedded Telegram', () => {
  it('14.3: answers req_pq and req_pq_multi, also padded, with keys that clients know', () => {
    for (const type of [0x60469778, 0xbe7e8ef1]) {
      const nonce = randomBytes(16)
      const packet = Buffer.concat([writePlain(4n, Buffer.concat([uint(type), nonce])), Buffer.alloc(8, 7)])
      const [answer] = dataCenter(null).answer(packet)
      expect(answer?.readBigInt64LE(0)).toBe(0n)
      expect(Number((answer?.readBigInt64LE(8) ?? 0n) % 4n)).toBe(1)
      const reader = new TlReader(answer?.subarray(20) ?? Buffer.alloc(0))
      expect([reader.uint(), reader.raw(16)]).toEqual([0x05162463, nonce])
      reader.raw(16)
      expect(reader.bytes()).toEqual(hex('17ed48941a08f981'))
      expect([reader.uint(), reader.uint(), BigInt.asUintN(64, reader.long())]).toEqual([
        ...[0x1cb5c415, 1, 0xd09d1d85de64fd85n],
      ])
    }
  })

  it.each(['new', 'old'] as const)('5.7: agrees on a key by the %s form of encryption', async (form) => {
    const { pem, fingerprint } = key
    const agreed = await exchangeKeys(asks(dataCenter()), { pem, fingerprint, form })
    expect(agreed.id).toMatch(/^[0-9a-f]{16}$/)
  })

  it('5.7: its prime is a prime, and the generator one of its squares', () => {
    expect(dhPrime).toHaveLength(256)
    expect(checkPrimeSync(dhPrime, { checks: 5 })).toBe(true)
    expect(BigInt(`0x${dhPrime.toString('hex')}`) % 3n).toBe(2n)
  })

  it('5.7: has no answer to an exchange for another key, or with other nonces', async () => {
    const wrong = exchangeKeys(asks(dataCenter()), { ...{ pem: key.pem, form: 'new' }, fingerprint: 1n })
    await expect(wrong).rejects.toThrow('not one answer')
    const other = exchangeKeys(asks(dataCenter()), {
      ...{ pem: new RsaKey().pem, form: 'new' },
      fingerprint: key.fingerprint,
    })
    await expect(other).rejects.toThrow('not one answer')
  })

  it('5.7: greets a new session once, and answers pings', async () => {
    const { say } = await signedOn()
    expect(types(say(ping))).toEqual(['9ec20908', '347773c5'])
    const [pong] = say(ping)
    expect(pong?.body.readBigInt64LE(12)).toBe(5n)
    expect(types(say(Buffer.concat([uint(0xf3427b8c), long(6n), uint(75)])))).toEqual(['347773c5'])
  })

  it('5.7: ids increase, also when the clock stands still or goes back', async () => {
    const { say } = await signedOn()
    const ids = [0, 0, -5000, 1000].flatMap((by) => {
      time += by
      return say(ping).map(({ id }) => id)
    })
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.map((id) => Number(id % 4n))).toEqual([3, 1, 1, 1, 1])
  })

  it('5.7: tells its configuration, however the query is wrapped', async () => {
    const { say } = await signedOn()
    say(ping)
    const packed = Buffer.concat([uint(0x3072cfa1), bytes(gzipSync(getConfig))])
    for (const query of [getConfig, Buffer.concat([client, getConfig]), Buffer.concat([client, packed])]) {
      const [result] = say(query)
      const reader = new TlReader(result?.body ?? Buffer.alloc(0))
      expect([reader.uint(), reader.long() > 0n, reader.uint()]).toEqual([0xf35c6d01, true, 0xcc1a241e])
      expect([reader.uint(), reader.uint(), reader.uint()]).toEqual([
        0,
        Math.floor(time / 1000),
        Math.floor(time / 1000) + 3600,
      ])
    }
  })

  it('5.7: other queries are errors; acknowledgements, states and garbage have no answer', async () => {
    const { say } = await signedOn()
    say(ping)
    const [error] = say(uint(0x0d91a548))
    expect(error?.body.readUInt32LE(12)).toBe(0x2144ca19)
    expect(error?.body.includes('AUTH_KEY_UNREGISTERED')).toBe(true)
    expect(say(Buffer.concat([uint(0x62d6b459), uint(0x1cb5c415), uint(0)]))).toEqual([])
    expect(say(Buffer.alloc(0))).toEqual([])
    expect(say(uint(0x7abe77ec))).toEqual([])
    const bomb = Buffer.concat([uint(0x3072cfa1), bytes(gzipSync(Buffer.alloc(5_000_000)))])
    expect(say(bomb)).toEqual([])
  })

  it('5.7: a container is answered message by message', async () => {
    const { say } = await signedOn()
    const inner = [ping, getConfig].map((body, index) =>
      Buffer.concat([long(BigInt(4 * index)), uint(1), uint(body.length), body]),
    )
    const messages = say(Buffer.concat([uint(0x73f1f8dc), uint(2), ...inner]))
    expect(types(messages)).toEqual(['9ec20908', '347773c5', 'f35c6d01'])
    expect(messages.map(({ seq }) => seq)).toEqual([1, 3, 5])
  })

  it('3.7: so is what was changed on its way', async () => {
    const { dc, session } = await signedOn()
    const { packet } = session.seal(ping)
    packet.writeUInt8(packet.readUInt8(60) ^ 1, 60)
    expect(dc.answer(packet)).toEqual([hex('6cfeffff')])
  })

  it('5.7: a wrong salt is answered by the right one', async () => {
    const { say } = await signedOn()
    const [bad] = say(ping, 1n)
    expect([bad?.body.readUInt32LE(), bad?.body.readUInt32LE(16)]).toEqual([0xedab447b, 48])
    expect(types(say(ping, bad?.body.readBigInt64LE(20)))).toContain('347773c5')
  })

  it('3.7: what is encrypted by an unknown key is answered by -404', () => {
    const stranger = new MtprotoSession(new AuthKey(randomBytes(256), 0n))
    expect(dataCenter().answer(stranger.seal(ping).packet)).toEqual([hex('6cfeffff')])
    expect(dataCenter().answer(Buffer.alloc(4, 1))).toEqual([hex('6cfeffff')])
  })

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.boolean()])(
    'whatever comes, it goes on',
    (noise, isPlain) => {
      const dc = dataCenter()
      dc.answer(isPlain ? writePlain(4n, noise) : Buffer.from(noise))
      const types = [0x60469778, 0xd712e4be, 0xf5045f1f]
      for (const type of types) dc.answer(writePlain(4n, Buffer.concat([uint(type), noise])))
    },
  )
})
