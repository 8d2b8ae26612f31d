import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { formatLink, LinkError, parseLink } from '../src/wire/link.js'
import { deriveSniKey, formatSecret, parseSecret, type Secret, SecretError } from '../src/wire/secret.js'
import { fakeTls } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

const key = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes))
const domain = fc.stringMatching(/^[a-z0-9.-]{1,100}$/)
const anySecret: fc.Arbitrary<Secret> = fc.oneof(
  fc.record({ kind: fc.constant('plain' as const), key }),
  fc.record({ kind: fc.constant('secure' as const), key }),
  fc.record({ kind: fc.constant('fake-tls' as const), key, domain }),
)

describe('2 secrets', () => {
  it.each(fakeTls.secret_formats)('$input is $mode', ({ input, mode, key, domain }) => {
    const kind = mode === 'tls' ? 'fake-tls' : mode
    expect(parseSecret(input)).toEqual({ kind, key: hex(key), ...(domain === undefined ? {} : { domain }) })
  })

  it('a plain key that begins with 7 is hex, not base64', () => {
    const text = `7${'0'.repeat(31)}`
    expect(parseSecret(text)).toEqual({ kind: 'plain', key: hex(text) })
  })

  it('base64 with the other alphabet', () => {
    expect(parseSecret('7tDW4RG62lUR/M6VhN6tvu9leGFtcGxlLmNvbQ==')).toMatchObject({ domain: 'example.com' })
  })

  it.each([
    '',
    'd0d6',
    'ff'.repeat(17),
    `dd${'00'.repeat(17)}`,
    `ee${'00'.repeat(16)}`,
    `ee${'00'.repeat(16)}2f2f`,
    'not a secret',
    '7tDW4RG62lUR_M6VhN6tvu9leGFtcGxlLmNvbQ===',
  ])('refuses "%s" without repeating it', (text) => {
    expect(() => parseSecret(text)).toThrow(SecretError)
    if (text !== '') expect(() => parseSecret(text)).not.toThrow(text)
  })

  it.each(fakeTls.per_sni_secret)(
    'the key of $sni',
    ({ salt, base_secret, sni, derived, link_secret_hex }) => {
      const derivedKey = deriveSniKey(hex(base_secret), salt, sni)
      expect(derivedKey.toString('hex')).toBe(derived)
      expect(formatSecret({ kind: 'fake-tls', key: derivedKey, domain: sni })).toBe(link_secret_hex)
    },
  )

  test.prop([anySecret])('what is written is read, in both forms', (secret) => {
    expect(parseSecret(formatSecret(secret))).toEqual(secret)
    // By chance the base64 of a secret has only hex digits: 1 in 10^13 for the shortest.
    expect(parseSecret(formatSecret(secret, 'base64url'))).toEqual(secret)
  })

  test.prop([fc.string()])('any text is a secret or a SecretError', (text) => {
    try {
      parseSecret(text)
    } catch (error) {
      expect(error).toBeInstanceOf(SecretError)
    }
  })
})

describe('2 links', () => {
  const secret = parseSecret('d0d6e111bada5511fcce9584deadbeef')
  const link = { server: '192.0.2.1', port: 443, secret }

  it('of both schemes', () => {
    const query = 'server=192.0.2.1&port=443&secret=d0d6e111bada5511fcce9584deadbeef'
    expect(formatLink(link, 'tg')).toBe(`tg://proxy?${query}`)
    expect(formatLink(link, 'https')).toBe(`https://t.me/proxy?${query}`)
    for (const start of ['tg://proxy', 'tg:proxy', 'https://t.me/proxy', 'http://telegram.me/proxy']) {
      expect(parseLink(`${start}?${query}`)).toEqual(link)
    }
  })

  it('takes a + of base64 for itself', () => {
    const text = Buffer.concat([hex('ee'), Buffer.alloc(16, 0xfb), Buffer.from('a.b')]).toString('base64')
    expect(text).toContain('+')
    expect(parseLink(`tg://proxy?server=h&port=1&secret=${text}`).secret).toMatchObject({ domain: 'a.b' })
  })

  it.each([
    'nonsense',
    'https:\u00c0\u0080t.me/proxy?server=a&port=1&secret=00',
    'https://example.com/proxy?server=a&port=1&secret=00',
    'https://t.me/joinchat?server=a&port=1',
    'tg://resolve?server=a&port=1',
    'tg://proxy?port=1&secret=00',
    'tg://proxy?server=a%20b&port=1',
    'tg://proxy?server=a&port=0',
    'tg://proxy?server=a&port=65536',
    'tg://proxy?server=a',
  ])('refuses %s', (text) => {
    expect(() => parseLink(text)).toThrow(LinkError)
  })

  test.prop([anySecret, fc.oneof(fc.ipV4(), fc.ipV6(), domain), fc.integer({ min: 1, max: 65_535 })])(
    'what is written is read',
    (secret, server, port) => {
      for (const scheme of ['tg', 'https'] as const) {
        expect(parseLink(formatLink({ server, port, secret }, scheme))).toEqual({ server, port, secret })
      }
    },
  )

  test.prop([fc.string()])('any query is a link or a typed error', (text) => {
    for (const start of ['', 'tg://proxy?', 'https://t.me/proxy?server=a&port=1&secret=']) {
      try {
        parseLink(start + text)
      } catch (error) {
        expect(error instanceof LinkError || error instanceof SecretError).toBe(true)
      }
    }
  })
})
