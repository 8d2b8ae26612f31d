import { describe, expect, it } from 'vitest'
import { linkProblem, userLinks } from '../src/cli/links.js'
import { describeLinks } from '../src/cli/show-links.js'
import type { ProxySettings } from '../src/config/settings.js'
import { proxySettings } from '../src/config/to-settings.js'
import { parseLink } from '../src/wire/link.js'

const key = 'd0d6e111bada5511fcce9584deadbeef'
const settings = (more: object = {}, port: object = {}): ProxySettings =>
  proxySettings({ ports: [{ name: 'main', port: 443, secret: key, ...port }], ...more })
const secrets = (of: ProxySettings): object[] => userLinks(of).map(({ mode, secret }) => ({ [mode]: secret }))

describe('2 links', () => {
  it.each([
    [{}, /0\.0\.0\.0, which no client can reach: set public_host/],
    [{ listen_ip: '::' }, /^the links name ::,/],
    [{ listen_ip: '192.0.2.1' }, null],
    [{ public_host: 'proxy.example.com' }, null],
    [{ external_ip: '192.0.2.1' }, null],
  ])('that name no host that clients can reach are warned of: %j', (more, problem) => {
    const told = linkProblem(settings(more))
    if (problem === null) expect(told).toBeNull()
    else expect(told).toMatch(problem)
  })

  it('are made for every mode that is allowed, the best hidden first', () => {
    expect(secrets(settings())).toEqual([
      { 'fake-tls': `ee${key}73332e616d617a6f6e6177732e636f6d` },
      { secure: `dd${key}` },
      { plain: key },
    ])
    expect(secrets(settings({ allowed_protocols: ['secure'] }))).toEqual([{ secure: `dd${key}` }])
    expect(secrets(settings({ allowed_protocols: ['intermediate'] }))).toEqual([{ plain: key }])
  })

  it('have a key of their own for the domain, if each domain has one', () => {
    const of = settings(
      {
        per_sni_secrets: true,
        per_sni_secret_salt: 'my-private-salt-change-me',
        allowed_protocols: ['fake_tls', 'secure'],
      },
      { domain: 'alice.example.com' },
    )
    expect(secrets(of)).toEqual([
      { 'fake-tls': 'eeaf4d5729ce2a0de4a40bbf439ac9d515616c6963652e6578616d706c652e636f6d' },
      { secure: `dd${key}` },
    ])
  })

  it('lead to the public name, else to the address on the Internet, else to where the port listens', () => {
    const server = (more: object, host?: string): string => {
      const [link] = userLinks(settings(more), { host })
      return parseLink(link?.tg ?? '').server
    }
    expect(server({ public_host: 'proxy.example.com', external_ip: '192.0.2.1' })).toBe('proxy.example.com')
    expect(server({ external_ip: '192.0.2.1' }, '192.0.2.2')).toBe('192.0.2.1')
    expect(server({}, '192.0.2.2')).toBe('192.0.2.2')
    expect(server({ listen_ip: '192.0.2.3' }, '192.0.2.2')).toBe('192.0.2.3')
    expect(server({ listen_ip: '2001:db8::1' })).toBe('2001:db8::1')
  })

  it('are made for each secret that is enabled', () => {
    const of = settings(
      { allowed_protocols: ['fake_tls'] },
      {
        secret: undefined,
        domain: 'www.example.com',
        secrets: [
          { name: 'alice', secret: key },
          { name: 'bob', secret: '0'.repeat(32), domain: 'bob.example.com' },
          { name: 'eve', secret: '1'.repeat(32), enabled: false },
        ],
      },
    )
    expect(userLinks(of).map(({ name, tg }) => [name, parseLink(tg).secret])).toMatchObject([
      ['alice', { kind: 'fake-tls', domain: 'www.example.com' }],
      ['bob', { kind: 'fake-tls', domain: 'bob.example.com' }],
    ])
  })

  it('are printed with a QR code for each secret', () => {
    const links = userLinks(settings({ allowed_protocols: ['secure'], public_host: 'proxy.example.com' }))
    const link = `proxy?server=proxy.example.com&port=443&secret=dd${key}`
    const text = `port main\n  secure (dd)\n    tg://${link}\n    https://t.me/${link}`
    expect(describeLinks(links, { qr: false })).toBe(text)
    const withCode = describeLinks(links, { qr: true })
    expect(withCode.startsWith(`${text}\n`)).toBe(true)
    expect(withCode).toMatch(/▀▀▀█/)
  })
})
