import { isIPv6 } from 'node:net'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ipToText, isIpv4, parseIp } from '../src/wire/ip-address.js'

const canonical = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1)
const isMapped = (text: string): boolean => canonical(text).startsWith('::ffff:')

describe('IP addresses', () => {
  it.each([
    ['192.0.2.1', '00000000000000000000ffffc0000201'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['::', '00000000000000000000000000000000'],
    ['2001:67c:4e8:f002::d', '2001067c04e8f002000000000000000d'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ])('5.5: %s is 16 bytes', (text, bytes) => {
    expect(parseIp(text)?.toString('hex')).toBe(bytes)
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'g::',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
  ])('5.5: «%s» is none', (text) => {
    expect(parseIp(text)).toBeNull()
  })

  it('5.5: of runs of zeros the first of the longest is left out (RFC 5952)', () => {
    const shown = ['1:0:0:2:0:0:3:4', '1:0:0:2:0:0:0:4', '1:0:2:3:4:5:6:7', '::'].map((text) =>
      ipToText(parseIp(text) ?? new Uint8Array(16)),
    )
    expect(shown).toEqual(['1::2:0:0:3:4', '1:0:0:2::4', '1:0:2:3:4:5:6:7', '::'])
  })

  test.prop([fc.ipV4()])('5.5: IPv4 is written as it was read, mapped', (text) => {
    const ip = parseIp(text) ?? new Uint8Array(16)
    expect([ipToText(ip), isIpv4(ip)]).toEqual([text, true])
  })

  test.prop([fc.ipV6()], { numRuns: 500 })('5.5: IPv6 is written as browsers do', (text) => {
    const ip = parseIp(text) ?? new Uint8Array(16)
    expect(isIpv4(ip)).toBe(isMapped(text))
    if (!isIpv4(ip)) expect(ipToText(ip)).toBe(canonical(text))
  })

  test.prop([fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.'.split('')), maxLength: 20 })], {
    numRuns: 2000,
  })('5.5: what Node.js takes for IPv6 is read, and nothing else with a colon', (text) => {
    if (text.includes(':')) expect(parseIp(text) !== null).toBe(isIPv6(text))
  })
})
