import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { formatProxyConfig, parseProxyConfig } from '../src/wire/proxy-config.js'
import { vectors } from './vectors/vectors.js'

interface Case {
  readonly text: string
  readonly default_dc?: number | null
  readonly proxies?: readonly (readonly [dcId: number, host: string, port: number])[]
}
const { cases } = vectors<{ readonly cases: readonly Case[] }>('mtproto-config')

const dcIds = fc.integer({ min: -32_768, max: 32_767 })
const hosts = fc.oneof(fc.ipV4(), fc.domain(), fc.constantFrom('2001:db8::1', '::1', '2001:67c:04e8:f002::d'))
const addresses = fc.record({ host: hosts, port: fc.integer({ min: 1, max: 65_535 }) })
const configs = fc.record({
  defaultDc: fc.option(dcIds),
  datacenters: fc
    .uniqueArray(fc.tuple(dcIds, fc.array(addresses, { minLength: 1, maxLength: 3 })), {
      selector: ([dcId]) => dcId,
    })
    .map((entries) => new Map(entries)),
})

describe('what Telegram says about its middle proxies', () => {
  it.each(cases.filter(({ proxies }) => proxies !== undefined))('4: $text', (recorded) => {
    const { defaultDc, datacenters, problems } = parseProxyConfig(recorded.text)
    expect(defaultDc).toBe(recorded.default_dc)
    expect(
      [...datacenters].flatMap(([dcId, all]) => all.map(({ host, port }) => [dcId, host, port])),
    ).toEqual(recorded.proxies)
    expect(problems).toEqual([])
  })

  it('4: what only the reference in C has is passed over, but for its addresses of data centre 0', () => {
    const text = cases.find(({ proxies }) => proxies === undefined)?.text ?? ''
    expect(parseProxyConfig(text)).toEqual({
      defaultDc: null,
      datacenters: new Map([[0, [{ host: '127.0.0.1', port: 8888 }]]]),
      problems: [],
    })
  })

  it('4: lines may end in CR LF', () => {
    const { defaultDc, datacenters } = parseProxyConfig('default 2;\r\nproxy_for 2 192.0.2.1:443;\r\n')
    expect([defaultDc, datacenters.get(2)]).toEqual([2, [{ host: '192.0.2.1', port: 443 }]])
  })

  it.each([
    'proxy_for 2 192.0.2.256:443;',
    'proxy_for 2 192.0.2.1:0;',
    'proxy_for 2 192.0.2.1:65536;',
    'proxy_for 2 192.0.2.1;',
    'proxy_for 2 2001:db8::1:80;',
    'proxy_for 2 [2001:db8::g]:80;',
    'proxy_for two 192.0.2.1:443;',
    'proxy_for 2 192.0.2.1:443',
    'proxy ;',
    'default;x',
    'default two;',
  ])('4: «%s» is no address, and said so unless it is another word', (line) => {
    const { defaultDc, datacenters, problems } = parseProxyConfig(`${line}\nproxy_for 1 192.0.2.1:1;`)
    expect([defaultDc, [...datacenters.keys()]]).toEqual([null, [1]])
    expect(problems).toEqual(line === 'default;x' ? [] : [line])
  })

  it('4: of many bad lines the first ten are told, shortened', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `proxy_for ${index} ${'x'.repeat(200)}`)
    const { problems } = parseProxyConfig(lines.join('\n'))
    expect(problems).toEqual(lines.slice(0, 10).map((line) => line.slice(0, 80)))
  })

  test.prop([configs])('4: what was written is read again', (config) => {
    expect(parseProxyConfig(formatProxyConfig(config))).toEqual({ ...config, problems: [] })
  })

  test.prop([fc.string({ maxLength: 300 })], { numRuns: 500 })('4: any text is read', (text) => {
    expect(parseProxyConfig(`proxy_for 1 ${text}`).problems.length).toBeLessThanOrEqual(10)
  })
})
