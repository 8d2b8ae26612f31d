import {
  type Filter,
  filterMatcher,
  keySigner,
  type NostrEvent,
  type RelayInfo,
  readRelayInfo,
} from '@holdfast/nostr-sync'
import type { ScriptedRelay } from '@holdfast/nostr-sync/testing'
import { describe, expect, it, vi } from 'vitest'
import { madeEvent } from './support/made-event.js'
import {
  announcement,
  asked,
  askedLive,
  comment,
  filtersOf,
  issue,
  lastClient,
  mirrorBench,
  repoKey,
  url,
} from './support/mirror-bench.js'

const bootstrap = { bootstrapRelays: [url] }
const withoutNegentropy = { ...bootstrap, negentropy: 'off' } as const

/** Announcements of many repositories, each at its own second unless told otherwise. */
function announcements(count: number, at: (index: number) => number = (index) => 1000 + index): NostrEvent[] {
  return Array.from({ length: count }, (_, index) => announcement([url], { d: `r${index}`, at: at(index) }))
}

/** A document with these limits. */
function documentOf(limitation: object, more: object = {}): RelayInfo | null {
  return readRelayInfo(JSON.stringify({ limitation, ...more }))
}

/** What of a relay's events is stored. */
function missing(relay: ScriptedRelay, stored: readonly boolean[]): number {
  return relay.events.length - stored.filter(Boolean).length
}

describe('pages', () => {
  it('R52, R53: go on until one is not full, from the second where the last one ended', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const relay = await bench.relay({ events: announcements(180), faults: { maxLimit: 80 } })
    bench.mirror.start()
    await bench.pass(4000)
    const pages = asked(lastClient(relay)).filter(({ kinds }) => kinds?.includes(30617))
    expect(pages.map(({ until }) => until)).toEqual([undefined, 1100, 1021])
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
    expect(bench.status().counts.pages).toBe(3)
  })

  it('R53, R94: are as long as the relay says', async () => {
    const fetchInfo = (): Promise<RelayInfo | null> => Promise.resolve(documentOf({ max_limit: 20 }))
    await using bench = await mirrorBench({ ...withoutNegentropy, fetchInfo })
    const relay = await bench.relay({ events: announcements(50), faults: { maxLimit: 20 } })
    bench.mirror.start()
    await bench.pass(4000)
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
  })

  it('R54: pass a second with more events than a page, by negentropy', async () => {
    await using bench = await mirrorBench(bootstrap)
    const bug = issue('bug')
    const events = [
      announcement([url]),
      bug,
      ...Array.from({ length: 300 }, (_, n) => comment(bug, `${n}`, 3000)),
      comment(bug, 'older', 2500),
    ]
    const relay = await bench.relay({ events, faults: { maxLimit: 100 } })
    bench.mirror.start()
    await bench.sync()
    await bench.sync()
    expect(missing(relay, bench.stored(...events))).toBe(0)
    // The same on a quick reconnect, which pages.
    lastClient(relay).drop()
    const late = bench.now()
    relay.publish(...Array.from({ length: 250 }, (_, n) => comment(bug, `late ${n}`, late)))
    await bench.sync()
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
    expect(
      lastClient(relay)
        .messages('neg-open')
        .some(({ filter }) => filter.since === late && filter.until === late),
    ).toBe(true)
  })

  it('R54: pass it by narrower filters where there is no negentropy, and own up to it where neither helps', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const relay = await bench.relay({ events: announcements(120, () => 1000), faults: { maxLimit: 80 } })
    const lists = Array.from({ length: 10 }, (_, n) =>
      madeEvent({ kind: 10317, created_at: 999, pubkey: String(n).repeat(64) }),
    )
    relay.publish(...lists)
    bench.mirror.start()
    await bench.sync()
    expect(bench.stored(...lists).every(Boolean)).toBe(true)
    expect(bench.status().status).toBe('connected-with-failures')
  })
})

describe('what relays refuse', () => {
  it('R55: no EOSE for 30 s is asked for once more, and then has failed; the link stays', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(31_000)
    expect(asked(lastClient(relay))).toHaveLength(2)
    await bench.pass(40_000)
    expect(asked(lastClient(relay))).toHaveLength(2)
    expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected-with-failures'])
  })

  it('R55: of a refusal its words are told once for a link and shown, until what was refused is granted', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const warned = vi.spyOn(bench.env.log, 'warn')
    const told = (): unknown[] => warned.mock.calls.filter(([, what]) => what.startsWith('the relay refuses'))
    const refusal = `restricted: members only\u001b[2J${'!'.repeat(1000)}`
    const relay = await bench.relay({ events: [announcement([url])], faults: { refusal } })
    bench.mirror.start()
    await bench.sync()
    expect(asked(lastClient(relay)).length + askedLive(lastClient(relay)).length).toBeGreaterThan(1)
    const { refusal: shown, status } = bench.status()
    expect([status, shown?.length]).toEqual(['connected-with-failures', 200])
    expect(shown).toMatch(/^restricted: members only \[2J!+$/)
    expect(told()).toEqual([[{ relay: url, text: shown }, expect.any(String)]])
    lastClient(relay).drop()
    await bench.sync()
    expect([relay.clients.length, told().length]).toEqual([2, 2])
    delete relay.faults.refusal
    await bench.pass(20 * 60_000)
    expect(bench.status()).toMatchObject({ status: 'connected', refusal: null })
    expect([relay.clients.length, told().length]).toEqual([2, 2])
  })

  it('R51: no more than four historic subscriptions are open at once, and each is closed after its EOSE', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    await bench.store.put([announcement([url]), ...Array.from({ length: 250 }, (_, n) => issue(`${n}`))])
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(2000)
    expect(asked(lastClient(relay))).toHaveLength(4)
    relay.faults.noEose = false
    lastClient(relay).drop()
    await bench.sync()
    const client = lastClient(relay)
    expect(asked(client).length).toBeGreaterThan(12)
    expect(client.messages('close')).toHaveLength(asked(client).length)
  })

  it.each(['closed', 'notice'] as const)(
    'R83, R84: a rate limit by %s pauses what is new, and loses nothing',
    async (by) => {
      await using bench = await mirrorBench(withoutNegentropy)
      const bug = issue('bug')
      const relay = await bench.relay({
        events: [announcement([url]), bug, comment(bug, 'yes')],
        faults: { rateLimit: { after: 3, by } },
      })
      bench.mirror.start()
      await bench.pass(20_000)
      expect(bench.status().health).toBe('rate-limited')
      const before = filtersOf(lastClient(relay)).length
      await bench.pass(40_000)
      expect(filtersOf(lastClient(relay)).length).toBe(before)
      relay.faults.rateLimit = { after: Infinity, by }
      await bench.pass(200_000)
      expect(bench.stored(...relay.events)).toEqual([true, true, true])
      expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected'])
    },
  )

  it('R85: subscriptions that the relay did not keep are packed together, and what they missed is fetched', async () => {
    await using bench = await mirrorBench({ ...withoutNegentropy, relay: { historicConcurrency: 1 } })
    const roots = Array.from({ length: 8 }, (_, n) => issue(`${n}`, 2000 + n))
    const relay = await bench.relay({ events: [announcement([url])], faults: { maxSubscriptions: 5 } })
    bench.mirror.start()
    for (const root of roots) {
      relay.publish(root)
      await bench.pass(7000)
    }
    await bench.pass(120_000)
    const late = roots.map((root, n) => comment(root, 'late', bench.now() + n))
    relay.publish(...late)
    await bench.pass(100)
    expect(bench.stored(...late)).toEqual(late.map(() => true))
    expect(lastClient(relay).subscriptions.length).toBeLessThanOrEqual(5)
  })

  it('R85: a relay with next to no room for subscriptions is not asked again and again for what it did not keep', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const repos = Array.from({ length: 5 }, (_, n) => announcement([url], { d: `repo ${n}` }))
    const relay = await bench.relay({ events: repos, faults: { maxSubscriptions: 2 } })
    bench.mirror.start()
    await bench.pass(600_000)
    const late = issue('late', bench.now(), `${repoKey} 0`)
    const { length } = lastClient(relay).received
    await bench.pass(600_000)
    expect(lastClient(relay).received.length - length).toBeLessThan(200)
    relay.publish(late)
    await bench.pass(100)
    expect(bench.stored(late)).toEqual([true])
  })

  it('R11, R49: past the threshold all live subscriptions are packed anew, the new before the old ones go', async () => {
    await using bench = await mirrorBench({ ...withoutNegentropy, relay: { consolidationThreshold: 6 } })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    const roots = Array.from({ length: 12 }, (_, n) => issue(`${n}`, 2000 + n))
    for (const root of roots) {
      relay.publish(root)
      await bench.pass(7000)
      // At no moment is anything missing.
      const event = comment(root, 'live', bench.now())
      const live = askedLive(lastClient(relay))
      expect(filterMatcher(live.map(({ limit: _limit, ...filter }: Filter) => filter))(event)).toBe(true)
    }
    await bench.sync()
    expect(lastClient(relay).subscriptions.length).toBeLessThanOrEqual(7)
    const { received } = lastClient(relay)
    const first = received.findIndex((text) => text.startsWith('["REQ"') && text.includes('10317'))
    const [, id = ''] = JSON.parse(received[first] ?? '') as string[]
    const anew = received.findIndex((text, at) => at > first && /^\["REQ".*10317.*"limit":0/.test(text))
    expect(received.indexOf(`["CLOSE","${id}"]`)).toBeGreaterThan(anew)
    const late = roots.map((root) => comment(root, 'late', bench.now()))
    relay.publish(...late)
    await bench.pass(100)
    expect(bench.stored(...late)).toEqual(late.map(() => true))
  })

  it('R37: a relay that sends its history for a limit of 0 is asked otherwise', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const relay = await bench.relay({
      events: announcements(1200),
      faults: { sendsHistoryForLimitZero: true, maxLimit: 2000 },
    })
    bench.mirror.start()
    await bench.sync()
    const recent = filtersOf(lastClient(relay)).filter(
      ({ since, limit }) => since !== undefined && limit === undefined,
    )
    expect(recent.length).toBeGreaterThan(0)
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
  })

  it('R64: a relay that sends what nobody asked for is left', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const strangers = Array.from({ length: 5 }, (_, n) => madeEvent({ content: `${n}` }))
    const relay = await bench.relay({ events: strangers, faults: { ignoresFilters: true } })
    bench.mirror.start()
    await bench.pass(3000)
    expect(bench.stored(...relay.events).some(Boolean)).toBe(false)
    expect(bench.status()).toMatchObject({ status: 'disconnected', failuresInRow: 1 })
  })

  it('frames that are no messages are borne twice a minute, and no more', async () => {
    await using bench = await mirrorBench(bootstrap)
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.sync()
    for (const junk of ['{', '[]']) lastClient(relay).saysText(junk)
    await bench.pass(1000)
    expect(bench.status().status).toBe('connected')
    lastClient(relay).saysText('"EOSE"')
    await bench.pass(1000)
    expect(bench.status().status).toBe('disconnected')
  })
})

it('R93: a notice that speaks of no limit changes nothing', async () => {
  await using bench = await mirrorBench(bootstrap)
  const relay = await bench.relay({ events: [announcement([url])] })
  bench.mirror.start()
  await bench.sync()
  await bench.sync()
  const { received } = lastClient(relay)
  const before = received.length
  for (const text of ['hello', 'closing soon', 'ERROR: bad msg', 'EOSE', ''])
    lastClient(relay).says({ kind: 'notice', text })
  await bench.sync()
  expect([received.length, relay.clients.length]).toEqual([before, 1])
  expect(bench.status()).toMatchObject({ status: 'connected', health: 'healthy', fault: null })
})

describe('authentication', () => {
  const faults = { authRequired: true }

  it('R92: says who we are when asked, and asks again', async () => {
    const signer = keySigner('07'.repeat(32))
    await using bench = await mirrorBench({ ...withoutNegentropy, signer })
    const relay = await bench.relay({ events: [announcement([url])], faults })
    bench.mirror.start()
    await bench.sync()
    const [auth] = lastClient(relay).messages('auth')
    expect(lastClient(relay).messages('auth')).toHaveLength(1)
    expect(
      (
        JSON.parse(lastClient(relay).received.find((text) => text.startsWith('["AUTH"')) ?? '') as unknown[]
      )[1],
    ).toMatchObject({
      kind: 22242,
      pubkey: signer.pubkey,
      tags: [
        ['relay', url],
        ['challenge', 'a challenge'],
      ],
    })
    expect(auth).toBeDefined()
    expect(bench.stored(...relay.events)).toEqual([true])
    expect(bench.status().status).toBe('connected')
  })

  it('R92: without a key, what asks for one has failed, and the link stays', async () => {
    await using bench = await mirrorBench(withoutNegentropy)
    const warned = vi.spyOn(bench.env.log, 'warn')
    const relay = await bench.relay({ events: [announcement([url])], faults })
    bench.mirror.start()
    await bench.sync()
    expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected-with-failures'])
    expect(warned.mock.calls.filter(([, text]) => text.includes('there is no key'))).toHaveLength(1)
  })

  it('R92: keeps the key to itself, and refuses what is none', () => {
    expect(() => keySigner('nonsense secret')).toThrow(/64 lower-case hex digits/)
    expect(() => keySigner('nonsense secret')).not.toThrow(/nonsense/)
    expect(JSON.stringify(keySigner('07'.repeat(32)))).not.toContain('0707')
  })
})

describe('negentropy', () => {
  it('R97: counts what was rejected as had, so that it is not fetched again', async () => {
    await using bench = await mirrorBench(bootstrap)
    const foreign = Array.from({ length: 20 }, (_, n) =>
      madeEvent({
        kind: 30617,
        created_at: 1000 + n,
        tags: [
          ['d', `f${n}`],
          ['clone', 'https://elsewhere.example/x.git'],
        ],
      }),
    )
    const relay = await bench.relay({ events: [...foreign, announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    expect(bench.stored(...foreign).some(Boolean)).toBe(false)
    await bench.pass(26 * 3_600_000)
    expect(bench.status().strategy).toBe('daily-sync')
    const ids = asked(lastClient(relay)).flatMap((filter) => filter.ids ?? [])
    expect([ids.length, new Set(ids).size]).toEqual([21, 21])
  })

  it('R102: ids are fetched by 300, and no more than the relay answers with', async () => {
    const fetchInfo = (): Promise<RelayInfo | null> => Promise.resolve(documentOf({ max_limit: 100 }))
    await using bench = await mirrorBench({ ...bootstrap, fetchInfo })
    const relay = await bench.relay({ events: announcements(250), faults: { maxLimit: 100 } })
    bench.mirror.start()
    await bench.pass(4000)
    expect(
      asked(lastClient(relay))
        .slice(0, 3)
        .map((filter) => filter.ids?.length),
    ).toEqual([100, 100, 50])
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
  })

  it('R102: what has come from elsewhere by the time its turn comes is not asked for', async () => {
    await using bench = await mirrorBench({ ...bootstrap, relay: { idChunk: 1, historicConcurrency: 1 } })
    await bench.store.put([announcement([url])])
    const bugs = ['1', '2', '3'].map((text) => issue(text))
    const relay = await bench.relay({ events: [announcement([url]), ...bugs], faults: { noEose: true } })
    bench.mirror.start()
    await bench.sync()
    const idsAsked = (): string[] => asked(lastClient(relay)).flatMap(({ ids = [] }) => ids)
    const [first, ...others] = bugs.map(({ id }) => id).sort()
    expect(new Set(idsAsked())).toEqual(new Set([first]))
    for (const bug of bugs) if (bug.id !== first) bench.mirror.intake.offer(bug, { kind: 'client' })
    relay.faults.noEose = false
    await bench.sync()
    expect(others.filter((id) => idsAsked().includes(id))).toEqual([])
    expect(bench.status()).toMatchObject({ status: 'connected', pendingBatches: 0 })
  })

  it('R102: a relay that does not give what it says it has is paged through', async () => {
    await using bench = await mirrorBench(bootstrap)
    const relay = await bench.relay({ events: announcements(5) })
    bench.mirror.start()
    await bench.sync()
    expect(missing(relay, bench.stored(...relay.events))).toBe(0)
  })
})

it('R94: a document that does not come costs five seconds at most, and nothing else', async () => {
  await using bench = await mirrorBench({ ...bootstrap, fetchInfo: () => Promise.resolve(null) })
  const relay = await bench.relay({ events: [announcement([url])] })
  bench.mirror.start()
  await bench.pass(3000)
  expect(bench.stored(...relay.events)).toEqual([true])
})
