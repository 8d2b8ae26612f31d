import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { parsePrefix, prefixToText } from '../src/policy/ip-prefix.js'
import { formatKey, parseKey, policyValue } from '../src/policy/rules.js'
import { parseTable, Tables } from '../src/policy/tables.js'

const nobody = { listener: 'main', secret: null, ip: '192.0.2.7', sni: null }

/** A table as a rule on the client's address sees it. */
function contains(
  tables: Tables,
  ip: string,
  key = ip.includes(':') ? 'client_ipv6' : 'client_ipv4',
): boolean {
  const parsed = parseKey(key)
  const value = parsed === null ? null : policyValue(parsed, { ...nobody, ip })
  if (value === null) throw new Error(`${key} does not apply to ${ip}`)
  return tables.has('t', value)
}

const ipv4 = fc.ipV4()

describe('7 keys', () => {
  it.each([
    'port_name',
    'secret',
    'tls_domain',
    'client_ipv4',
    'client_ipv6',
    'client_ipv4_subnet/1',
    'client_ipv4_subnet/24',
    'client_ipv6_subnet/9',
    'client_ipv6_subnet/64',
  ])('read and write %s', (text) => {
    const key = parseKey(text)
    expect(key && formatKey(key)).toBe(text)
  })

  it.each([
    'client_ipv4_subnet/0',
    'client_ipv4_subnet/33',
    'client_ipv6_subnet/8',
    'client_ipv6_subnet/129',
    'client_ipv4_subnet',
    'ip',
    '',
  ])('refuse %j', (text) => {
    expect(parseKey(text)).toBeNull()
  })

  it('do not apply to the other family, to who shows no domain, nor to who has proven no secret', () => {
    const applies = (key: string, ip: string): boolean => {
      const parsed = parseKey(key)
      return parsed !== null && policyValue(parsed, { ...nobody, ip }) !== null
    }
    expect(applies('client_ipv4', '192.0.2.7')).toBe(true)
    expect(applies('client_ipv4', '2001:db8::1')).toBe(false)
    expect(applies('client_ipv6', '192.0.2.7')).toBe(false)
    expect(applies('client_ipv6', '2001:db8::1')).toBe(true)
    expect(applies('tls_domain', '192.0.2.7')).toBe(false)
    expect(applies('secret', '192.0.2.7')).toBe(false)
    expect(applies('port_name', '192.0.2.7')).toBe(true)
  })
})

describe('7 tables', () => {
  it('hold texts whatever their case, addresses and blocks', () => {
    const tables = new Tables(
      new Map([['t', ['Example.COM', '192.0.2.7', '198.51.100.0/24', '2001:db8::/32']]]),
    )
    expect(tables.has('t', { kind: 'text', text: 'example.com' })).toBe(true)
    expect(tables.has('t', { kind: 'text', text: 'example.org' })).toBe(false)
    expect(contains(tables, '192.0.2.7')).toBe(true)
    expect(contains(tables, '192.0.2.8')).toBe(false)
    expect(contains(tables, '198.51.100.255')).toBe(true)
    expect(contains(tables, '198.51.101.0')).toBe(false)
    expect(contains(tables, '2001:db8:ffff::1')).toBe(true)
    expect(contains(tables, '2001:db9::1')).toBe(false)
  })

  it('hold a subnet of clients if an entry contains all of it', () => {
    const tables = new Tables(new Map([['t', ['198.51.100.0/24']]]))
    expect(contains(tables, '198.51.100.9', 'client_ipv4_subnet/24')).toBe(true)
    expect(contains(tables, '198.51.100.9', 'client_ipv4_subnet/28')).toBe(true)
    expect(contains(tables, '198.51.100.9', 'client_ipv4_subnet/16')).toBe(false)
  })

  property.prop([ipv4, fc.integer({ min: 0, max: 32 }), ipv4])(
    'contain an IPv4 address exactly if its first bits are those of the block',
    (network, bits, ip) => {
      const bitsOf = (text: string): string =>
        text
          .split('.')
          .map((part) => Number(part).toString(2).padStart(8, '0'))
          .join('')
      const tables = new Tables(new Map([['t', [`${network}/${bits}`]]]))
      expect(contains(tables, ip)).toBe(bitsOf(ip).startsWith(bitsOf(network).slice(0, bits)))
      expect(contains(tables, network)).toBe(true)
    },
  )

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::ffff/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
  ])('read %s as %s', (text, read) => {
    const prefix = parsePrefix(text)
    expect(prefix && prefixToText(prefix)).toBe(read)
  })

  it.each(['192.0.2.7/33', '2001:db8::/129', 'example.com/24', '192.0.2/24', '', '/8'])(
    'take %j for a text',
    (text) => {
      expect(parsePrefix(text)).toBeNull()
    },
  )

  it('change at run time, and keep what was added there when the configuration is read again', () => {
    const tables = new Tables(new Map([['t', ['10.0.0.1', 'a.example']]]))
    expect(tables.add('t', '10.0.0.2')).toBe(true)
    expect(tables.add('t', '10.0.0.2')).toBe(false)
    expect(tables.add('t', '10.0.0.1')).toBe(false)
    expect(tables.delete('t', 'A.example')).toBe(true)
    expect(tables.delete('t', '10.9.9.9')).toBe(false)
    expect(tables.entries('t')).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(tables.sizes()).toEqual({ t: 2 })
    tables.configure(new Map([['t', ['10.0.0.3', 'a.example']]]))
    expect(tables.entries('t')).toEqual(['a.example', '10.0.0.3', '10.0.0.2'])
    expect(contains(tables, '10.0.0.1')).toBe(false)
    tables.configure(new Map([['u', []]]))
    expect(tables.sizes()).toEqual({ u: 0 })
  })

  it('that the configuration does not name cannot be changed', () => {
    const tables = new Tables(new Map([['banned', []]]))
    expect(() => tables.add('baned', '10.0.0.1')).toThrow(
      'there is no table "baned", there are: banned; add it to [tables] of the configuration',
    )
    expect(() => tables.delete('baned', 'x')).toThrow(
      expect.objectContaining({ code: 'HF_MTPROTO_NO_TABLE' }),
    )
  })

  it('are read from files with comments', () => {
    expect(parseTable('# all\r\n10.0.0.0/8\n  a.example # b\n\n')).toEqual(['10.0.0.0/8', 'a.example'])
  })
})
