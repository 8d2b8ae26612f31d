import { systemEnv } from '@holdfast/core'
import { firstPage, IdFetch, memoryStore, nostrMirror, pageEnd, pageEvent } from '@holdfast/nostr-sync'
import { scriptedRelay, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { madeEvent } from './support/made-event.js'
import { announcement, asked, comment, issue, lastClient, mirrorBench, url } from './support/mirror-bench.js'

const good = 'wss://good.example'
const both = { bootstrapRelays: [url, good] }
const withoutNegentropy = { ...both, negentropy: 'off' } as const
const bug = issue('bug')
const thread = [announcement([good]), bug, comment(bug, 'yes')]

/** Events of strangers that match what a mirror asks for first. */
const foreign = (index: number, created_at: number, from = url) =>
  madeEvent({
    kind: 30617,
    created_at,
    tags: [
      ['d', `f${index}`],
      ['relays', from],
    ],
  })

type Options = Parameters<typeof mirrorBench>[0]

/** A mirror of a relay that is hostile and of one that is not; the latter must not suffer. */
async function besideGood(
  options: Options,
  test: (bench: Awaited<ReturnType<typeof mirrorBench>>) => Promise<void>,
) {
  await using bench = await mirrorBench(options)
  await using _relay = await bench.relay({ url: good, events: thread })
  await test(bench)
  expect(bench.status(good)).toMatchObject({ status: 'connected', health: 'healthy', fault: null })
  expect(bench.stored(...thread)).toEqual([true, true, true])
}

describe('what does not end', () => {
  it('I25: more stored events than were asked for, and no EOSE, end the link', async () => {
    await besideGood({ ...withoutNegentropy, relay: { paging: { limit: 5 } } }, async (bench) => {
      const relay = await bench.relay({ faults: { noEose: true } })
      bench.mirror.start()
      await bench.pass(2000)
      const client = lastClient(relay)
      const [, id = ''] = JSON.parse(
        client.received.find((text) => text.includes('"limit":5')) ?? '[]',
      ) as string[]
      for (let n = 0; n <= 1000; n++)
        client.says({ kind: 'event', subscription: id, event: foreign(n, 5000) })
      await bench.pass(100)
      expect(bench.status()).toMatchObject({
        status: 'disconnected',
        health: 'degraded',
        fault: { category: 'protocol', detail: expect.stringContaining('no end of stored events') as string },
      })
      await bench.sync()
    })
  })

  it('R55: events that trickle in for ever hold a request up for ten minutes, once more, and no longer', async () => {
    await besideGood(withoutNegentropy, async (bench) => {
      const relay = await bench.relay({ faults: { noEose: true } })
      bench.mirror.start()
      await bench.pass(2000)
      for (let n = 0; n < 70; n++) {
        const client = lastClient(relay)
        const last = client.messages('req').findLast(({ filters }) => filters[0]?.limit !== 0)
        const event = foreign(n, 5000)
        if (last !== undefined) client.says({ kind: 'event', subscription: last.subscription, event })
        await bench.pass(20_000)
      }
      expect(asked(lastClient(relay))).toHaveLength(2)
      expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected-with-failures'])
    })
  })

  it('R54: a second that brings other events each time is a wall, after twenty pages', () => {
    let page = firstPage({ kinds: [1] }, { limit: 5, maxLimit: 5 })
    let pages = 0
    for (;;) {
      for (let n = 0; n < 5; n++) page = pageEvent(page, { id: `${pages}.${n}`, created_at: 7 })
      pages++
      const outcome = pageEnd(page)
      if (outcome.kind !== 'next') {
        expect([outcome.kind, pages]).toEqual(['wall', 21])
        return
      }
      page = outcome.page
    }
  })

  it('R53: a page of very many events in one second costs each of them the same', () => {
    let page = firstPage({})
    for (let n = 0; n < 50_000; n++) page = pageEvent(page, { id: `${n}`, created_at: 7 })
    expect(page.received).toBe(50_000)
  })

  it('R102: who gives one of many events that it says it has is not asked again and again', () => {
    const fetch = new IdFetch(
      Array.from({ length: 1000 }, (_, n) => `${n}`),
      100,
    )
    expect(fetch.chunks()).toHaveLength(10)
    fetch.received('0')
    expect(fetch.endRound().kind).toBe('fallback')
  })

  it('R96: a reconciliation without end is given up, and the relay paged through', async () => {
    await besideGood(both, async (bench) => {
      const relay = await bench.relay({
        events: [announcement([url], { d: 'here' })],
        faults: { negentropy: 'endless' },
      })
      bench.mirror.start()
      await bench.sync()
      await bench.sync()
      expect(bench.stored(...relay.events)).toEqual([true])
    })
  })
})

describe('what is wrong', () => {
  it('R90: many forged events end the link; few, which a relay may have got from others, do not', async () => {
    const verifier = trustingVerifier()
    const forged = new Set<string>()
    await besideGood(
      {
        ...withoutNegentropy,
        verifier: {
          ...verifier,
          submit: (event, done) =>
            forged.has(event.id)
              ? (queueMicrotask(() => done('bad-signature')), 'taken')
              : verifier.submit(event, done),
        },
      },
      async (bench) => {
        const events = Array.from({ length: 110 }, (_, n) => foreign(n, 5000 + n))
        for (const { id } of events) forged.add(id)
        const relay = await bench.relay({ events: events.slice(0, 60) })
        bench.mirror.start()
        await bench.pass(20_000)
        expect(bench.status().status).toBe('connected')
        relay.publish(...events.slice(60))
        await bench.pass(100)
        expect(bench.status()).toMatchObject({ health: 'degraded', fault: { detail: 'forged events' } })
        expect(bench.stored(...events).some(Boolean)).toBe(false)
        await bench.sync()
      },
    )
  })

  it('R91: events of the future are not stored, and nobody is left for them: it may be our clock', async () => {
    await besideGood(withoutNegentropy, async (bench) => {
      const events = Array.from({ length: 300 }, (_, n) => foreign(n, bench.now() + 100_000 + n))
      await bench.relay({ events })
      bench.mirror.start()
      await bench.sync()
      expect(bench.stored(...events).some(Boolean)).toBe(false)
      expect(bench.mirror.intake.counts.of({ kind: 'relay', url }, 'invalid')).toBeGreaterThanOrEqual(300)
      expect(bench.status().status).toBe('connected')
    })
  })

  it('R78: a flood of one event costs one verification', async () => {
    let verified = 0
    const verifier = trustingVerifier()
    const submit: typeof verifier.submit = (event, done) => (verified++, verifier.submit(event, done))
    await besideGood({ ...withoutNegentropy, verifier: { ...verifier, submit } }, async (bench) => {
      const relay = await bench.relay()
      bench.mirror.start()
      await bench.sync()
      const before = verified
      const event = announcement([url], { d: 'again' })
      const [subscription = ''] = lastClient(relay).subscriptions
      lastClient(relay).says({ kind: 'event', subscription, event })
      await bench.pass(100)
      for (let n = 0; n < 3000; n++) lastClient(relay).says({ kind: 'event', subscription, event })
      await bench.sync()
      expect([verified - before, bench.mirror.intake.pending]).toEqual([1, 0])
      expect(bench.status().status).toBe('connected')
    })
  })

  it('R64: filters that are ignored end the link', async () => {
    await besideGood(withoutNegentropy, async (bench) => {
      const strangers = Array.from({ length: 500 }, (_, n) => madeEvent({ content: `${n}` }))
      await bench.relay({ events: strangers, faults: { ignoresFilters: true } })
      bench.mirror.start()
      await bench.sync()
      expect(bench.status()).toMatchObject({
        health: 'degraded',
        fault: { detail: 'events that nobody asked for' },
      })
      expect(bench.stored(...strangers).some(Boolean)).toBe(false)
    })
  })

  it('I25: a frame of six million bytes ends the link, and is not read to its end', async () => {
    const env = systemEnv()
    await using relay = await scriptedRelay({
      events: [foreign(1, 5000)],
      faults: { oversizedFrame: 6_000_000 },
    })
    await using store = memoryStore()
    await using mirror = await nostrMirror({
      ...{ env, store, verifier: trustingVerifier(), allowPrivateTargets: true, domains: ['grasp.example'] },
      ...{ bootstrapRelays: [relay.url], negentropy: 'off' },
    })
    mirror.start()
    await expect
      .poll(() => mirror.state.relays[0])
      .toMatchObject({ status: 'disconnected', health: 'degraded' })
  })
})
