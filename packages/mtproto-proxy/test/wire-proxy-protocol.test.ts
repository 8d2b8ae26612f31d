import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ipToText, parseIp } from '../src/wire/ip-address.js'
import { maxProxyHeaderBytes, parseProxyHeader } from '../src/wire/proxy-protocol.js'
import { hex } from './vectors/vectors.js'

const signature = '0d0a0d0a000d0a515549540a'
const addresses4 = 'c0000201' + 'c6336401' + 'd431' + '01bb'
const addresses6 = `20010db8${'00'.repeat(11)}01` + `20010db8${'00'.repeat(11)}02` + 'd431' + '01bb'

/** The client that a whole header names, as text. */
function clientOf(header: Buffer): string | null {
  const parsed = parseProxyHeader(header)
  if (parsed.kind !== 'header') return parsed.kind
  expect(parsed.length).toBe(header.length)
  return parsed.source && `${ipToText(parsed.source.ip)} ${parsed.source.port}`
}

const good: [string, Buffer, string | null][] = [
  ['v1 IPv4', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 54321 443\r\n'), '192.0.2.1 54321'],
  ['v1 IPv6', Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 54321 443\r\n'), '2001:db8::1 54321'],
  ['v1 mapped', Buffer.from('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n'), '192.0.2.1 1'],
  ['v1 unknown', Buffer.from('PROXY UNKNOWN\r\n'), null],
  ['v1 unknown with more', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(90)}\r\n`), null],
  ['v2 IPv4', hex(`${signature}2111000c${addresses4}`), '192.0.2.1 54321'],
  ['v2 IPv6', hex(`${signature}21210024${addresses6}`), '2001:db8::1 54321'],
  ['v2 with more', hex(`${signature}2111000f${addresses4}030000`), '192.0.2.1 54321'],
  ['v2 local', hex(`${signature}20000000`), null],
  ['v2 of a UNIX socket', hex(`${signature}213100d8${'00'.repeat(216)}`), null],
]

const bad: [string, Buffer][] = [
  ['a client without header', Buffer.from('160301', 'hex')],
  ['almost a v1 header', Buffer.from('PROXI')],
  ['a family that does not fit', Buffer.from('PROXY TCP4 2001:db8::1 ::1 1 2\r\n')],
  ['another family that does not fit', Buffer.from('PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['no address', Buffer.from('PROXY TCP4 300.0.2.1 192.0.2.2 1 2\r\n')],
  ['no port', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n')],
  ['a v1 line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(100)}`)],
  ['a v2 command that nobody knows', hex(`${signature}2211000c${addresses4}`)],
  ['v2 too short for its family', hex(`${signature}2111000b${addresses4.slice(2)}`)],
  ['v2 that is too long', hex(`${signature}2111ffff`)],
]

describe('3.1 PROXY protocol', () => {
  it.each(good)('%s', (_, header, client) => {
    expect(clientOf(header)).toBe(client)
    for (let length = 0; length < header.length; length += 1) {
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ kind: 'incomplete' })
    }
    const more = Buffer.concat([header, Buffer.from('PROXY')])
    expect(parseProxyHeader(more)).toMatchObject({ kind: 'header', length: header.length })
  })

  it.each(bad)('%s is refused', (_, bytes) => {
    expect(parseProxyHeader(bytes)).toEqual({ kind: 'invalid' })
  })

  test.prop([fc.ipV4(), fc.ipV6(), fc.nat({ max: 65_535 })])('v2 holds any address', (v4, v6, port) => {
    for (const [ip, family, text] of [
      [parseIp(v4)?.subarray(12), 1, v4],
      [parseIp(v6), 2, v6],
    ] as const) {
      if (!ip) throw new Error(`no address: ${text}`)
      const body = Buffer.concat([ip, ip, Buffer.alloc(4)])
      body.writeUInt16BE(port, 2 * ip.length)
      const header = Buffer.concat([hex(`${signature}21`), Buffer.of(family * 16 + 1, 0, body.length), body])
      const parsed = parseProxyHeader(header)
      expect(parsed.kind === 'header' && parsed.source).toEqual({ ip: parseIp(text), port })
    }
  })

  test.prop([
    fc.constantFrom('', signature, signature + '21', '50524f585920', '50524f58592054435034'),
    fc.uint8Array({ maxLength: 200 }),
  ])('any bytes are decided within the bound', (start, bytes) => {
    const all = Buffer.concat([hex(start), bytes])
    parseProxyHeader(all)
    const long = Buffer.concat([all, Buffer.alloc(maxProxyHeaderBytes)])
    expect(parseProxyHeader(long).kind).not.toBe('incomplete')
  })
})
