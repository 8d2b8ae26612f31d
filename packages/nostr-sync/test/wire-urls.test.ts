import { fc, test } from '@fast-check/vitest'
import {
  addressClass,
  cloneUrlToRelayUrl,
  isOwnRelay,
  listsService,
  normalizeRelayUrl,
  readAnnouncement,
  readRelayList,
  relaysOf,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed, rules } from './support/vectors.js'

describe('relay URLs', () => {
  it.each(rules.relayUrlNormalisation)('R2: %s', (text, expected) => {
    expect(normalizeRelayUrl(text)).toBe(expected)
  })

  it.each([
    [' wss://x.example \n', 'wss://x.example'],
    ['wss://x.example./', 'wss://x.example'],
    ['wss://x.example/#top', 'wss://x.example'],
    ['wss://bücher.example', 'wss://xn--bcher-kva.example'],
    ['wss://x.example/a b', null],
    ['wss://x.ex\nample', null],
    ['mailto:a', null],
    ['', null],
    [`wss://${'x'.repeat(1024)}.example`, null],
  ])('R2: %j', (text, expected) => {
    expect(normalizeRelayUrl(text)).toBe(expected)
  })

  test.prop([fc.oneof(fc.webUrl(), fc.string(), fc.domain())])('R2: are normal once normalised', (text) => {
    const url = normalizeRelayUrl(text.replace(/^http/, 'ws'))
    if (url !== null) expect(normalizeRelayUrl(url)).toBe(url)
  })

  it.each(rules.cloneUrlToRelayUrl)('R3: of the clone URL %s', (text, expected) => {
    expect(cloneUrlToRelayUrl(text)).toBe(expected)
  })

  it('R5: our own is told by host and port, not by part of a name', () => {
    const domains = ['Grasp.example', 'other.example:8080']
    const own = (url: string): boolean => isOwnRelay(url, domains)
    expect(['wss://grasp.example', 'ws://grasp.example/path', 'wss://other.example:8080'].map(own)).toEqual([
      true,
      true,
      true,
    ])
    expect(
      ['wss://grasp.example.evil.org', 'wss://grasp.example:8080', 'wss://other.example', 'nonsense'].map(
        own,
      ),
    ).toEqual([false, false, false, false])
  })
})

describe('addresses that a stranger could have us connect to', () => {
  it.each([
    ['public', ['1.1.1.1', '93.184.216.34', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101']],
    ['loopback', ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1']],
    ['private', ['10.0.0.1', '172.16.0.1', '192.168.1.1', 'fd00::1', '::ffff:10.0.0.1']],
    ['link-local', ['169.254.169.254', 'fe80::1', '::ffff:169.254.0.1']],
    ['multicast', ['224.0.0.1', 'ff02::1']],
    ['unspecified', ['0.0.0.0', '::']],
    ['special', ['100.64.0.1', '255.255.255.255', '192.0.2.1', '2001:db8::1', '2002:7f00:1::', '240.0.0.1']],
    ['invalid', ['', 'localhost', '1.2.3', '999.1.1.1']],
  ] as const)('R4: %s', (expected, addresses) => {
    expect(addresses.map((address) => [address, addressClass(address)])).toEqual(
      addresses.map((address) => [address, expected]),
    )
  })
})

describe('announcements', () => {
  it('R71: name clone URLs, relays and maintainers', () => {
    const event = eventNamed('announcement lists our service (grasp.example)')
    const reading = readAnnouncement(event)
    expect(reading).toMatchObject({
      kind: 'announcement',
      announcement: {
        key: `30617:${event.pubkey}:holdfast-demo`,
        owner: event.pubkey,
        identifier: 'holdfast-demo',
      },
    })
  })

  it.each([
    'announcement without d tag -> invalid',
    'announcement with two clone tags -> ngit-grasp rejects',
    'issue',
  ])('R71: %s', (name) => {
    expect(readAnnouncement(eventNamed(name)).kind).toBe('malformed')
  })

  it.each(['', '.', '..', 'a/b', 'a\\b', 'a\0b'])('R71: %j is no identifier', (d) => {
    const event = eventNamed('announcement lists our service (grasp.example)')
    expect(readAnnouncement({ ...event, tags: [['d', d]] }).kind).toBe('malformed')
  })

  it('R3, R4: have the relays that they list and those of their clone URLs, each once, and not too many', () => {
    const event = {
      ...eventNamed('announcement lists our service (grasp.example)'),
      tags: [
        ['d', 'x'],
        ['clone', 'https://b.example/x.git', 'ssh://c.example/x', 'https://A.example/y.git'],
        ['relays', 'wss://a.example/', 'nonsense://', 'ws://d.example'],
      ],
    }
    const reading = readAnnouncement(event)
    if (reading.kind !== 'announcement') throw new Error(reading.why)
    expect(relaysOf(reading.announcement)).toEqual(['wss://a.example', 'ws://d.example', 'wss://b.example'])
    expect(relaysOf(reading.announcement, 2)).toEqual(['wss://a.example', 'ws://d.example'])
  })

  it.each(rules.listsService)(
    'R71: $clone and $relays',
    ({ domain, clone, relays, listsService: expected }) => {
      expect(listsService({ clone, relays }, [domain])).toBe(expected)
    },
  )
})

describe('lists of relays', () => {
  it('N 65: say which are for reading and which for writing', () => {
    expect(readRelayList(eventNamed('relay list NIP-65'))).toEqual([
      { url: 'wss://grasp.example', read: true, write: true },
      { url: 'wss://mirror.example:8443', read: false, write: true },
    ])
    const tags = [
      ['r', 'wss://x.example', 'read'],
      ['r', 'wss://x.example/', 'write'],
      ['g', 'wss://y.example'],
    ]
    expect(readRelayList({ kind: 10_002, tags })).toEqual([
      { url: 'wss://x.example', read: true, write: true },
    ])
    expect(readRelayList({ kind: 10_317, tags }).map(({ url }) => url)).toEqual(['wss://y.example'])
    expect(readRelayList({ kind: 1, tags })).toEqual([])
  })
})
