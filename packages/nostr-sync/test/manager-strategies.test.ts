import { testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import {
  announcement,
  asked,
  askedLive,
  comment,
  filtersOf,
  issue,
  lastClient,
  memoryState,
  mirrorBench,
  repoKey,
  url,
} from './support/mirror-bench.js'

const buffer = 900

describe('a fresh start', () => {
  it('R24, R41, R59, R60: finds repositories, then all about them, then all about the issues among that', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug, comment(bug, 'fixed')] })
    bench.mirror.start()
    await bench.sync()
    expect(bench.stored(...relay.events)).toEqual([true, true, true])
    expect(bench.status()).toMatchObject({ status: 'connected', strategy: 'fresh-start', confirmedItems: 2 })
  })

  it('R37, R38, R41: subscribes to what is new before it asks for what is old, layer by layer', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    const client = lastClient(relay)
    const words = filtersOf(client).map((filter) => {
      const isLayer1 = filter.kinds?.includes(30617) === true
      const what = isLayer1 ? 'layer 1' : filter['#a'] ? 'layer 2' : filter['#e'] ? 'layer 3' : ''
      return `${what} ${filter.limit === 0 ? 'live' : 'history'}`
    })
    expect(words.filter((word) => word.startsWith('layer'))).toEqual([
      'layer 1 live',
      'layer 1 history',
      'layer 2 live',
      'layer 2 history',
      'layer 3 live',
      'layer 3 history',
    ])
    expect(asked(client).every(({ since }) => since === undefined)).toBe(true)
  })

  it('R98: uses negentropy where the relay has it, and REQ where it has not (R99)', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    expect(
      lastClient(relay)
        .messages('neg-open')
        .map(({ filter }) => filter),
    ).toContainEqual({
      kinds: [10317, 30617],
    })
    expect(asked(lastClient(relay))).toEqual([{ ids: [relay.events[0]?.id], limit: 1 }])

    await using other = await mirrorBench({ bootstrapRelays: [url] })
    const without = await other.relay({ events: [announcement([url])], faults: { negentropy: 'notice' } })
    other.mirror.start()
    await other.sync()
    expect(lastClient(without).messages('neg-open')).toHaveLength(1)
    expect(other.stored(...without.events)).toEqual([true])
    expect(other.mirror.relay(url)?.capabilities.mayUseNegentropy()).toBe(false)
    await other.pass(24 * 3_600_000)
    expect(other.mirror.relay(url)?.capabilities.mayUseNegentropy()).toBe(true)
  })

  it.each(['closed', 'silent', 'too-large'] as const)(
    'R99, R100: gets all although negentropy is refused: %s',
    async (negentropy) => {
      await using bench = await mirrorBench({ bootstrapRelays: [url] })
      const bug = issue('bug')
      const relay = await bench.relay({
        events: [announcement([url]), bug, comment(bug, 'yes')],
        faults: { negentropy },
      })
      bench.mirror.start()
      await bench.pass(120_000)
      expect(bench.stored(...relay.events)).toEqual([true, true, true])
      expect(bench.status().status).toBe('connected')
    },
  )

  it('R57: is over once what came has led to nothing new', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    await bench.relay()
    bench.mirror.start()
    await bench.pass(5900)
    expect(bench.status().status).toBe('syncing')
    await bench.pass(1000)
    expect(bench.status().status).toBe('connected')
  })
})

describe('a quick reconnect', () => {
  it('R40, R42, R44: asks since the watermark, less 15 minutes, for what is confirmed', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url]), issue('bug')] })
    bench.mirror.start()
    await bench.sync()
    const { watermark } = bench.status()
    expect(bench.now() - Number(watermark)).toBeLessThanOrEqual(10)
    lastClient(relay).drop()
    await bench.sync()
    expect(bench.status()).toMatchObject({ status: 'connected', strategy: 'quick-reconnect' })
    const filters = asked(lastClient(relay))
    expect(filters.map(({ since }) => since)).toEqual(filters.map(() => Number(watermark) - buffer))
    expect(filters).toContainEqual({ '#a': [repoKey], since: Number(watermark) - buffer, limit: 500 })
    expect(askedLive(lastClient(relay))).toContainEqual({ '#a': [repoKey], limit: 0 })
  })

  it('R42: brings what was published while the link was down', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    const late = comment(bug, 'meanwhile', bench.now())
    relay.publish(late)
    await bench.pass(8000)
    expect(bench.stored(late)).toEqual([true])
  })

  it.each([
    [900_000, 'quick-reconnect'],
    [900_001, 'fresh-start'],
  ])('R40: after %i ms away it is a %s', async (away, strategy) => {
    // Half way between the least and the most, the wait is what it is without jitter; then comes the dial.
    const base = away - 2
    const env = testEnv({ random: () => 0.5 })
    await using bench = await mirrorBench({
      env,
      bootstrapRelays: [url],
      relay: { backoff: { base, cap: base } },
    })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.pass(950_000)
    lastClient(relay).drop()
    await bench.pass(away - 2)
    expect(relay.clients).toHaveLength(1)
    await bench.pass(4)
    expect(relay.clients).toHaveLength(2)
    expect(bench.status().strategy).toBe(strategy)
  })

  it('R7, R43: asks for all announcements if it never had all of them', async () => {
    await using bench = await mirrorBench({ negentropy: 'off', bootstrapRelays: [url] })
    const relay = await bench.relay({ events: [announcement([url])] })
    await bench.store.put([announcement([url])])
    bench.mirror.start()
    await bench.sync()
    expect(bench.status().watermark).not.toBeNull()
    const connection = bench.mirror.relay(url)
    // As after a layer 1 that failed.
    connection?.batchFailed({ id: 9, purpose: { kind: 'announcements' }, method: 'req', startedAt: 0 })
    lastClient(relay).drop()
    await bench.sync()
    expect(bench.status().strategy).toBe('quick-reconnect')
    const layer1 = asked(lastClient(relay)).filter(({ kinds }) => kinds?.includes(30617))
    expect(layer1).toEqual([{ kinds: [10317, 30617], limit: 500 }])
  })

  it('R25, R39, R45: a second short drop, before the first catch-up is done, loses nothing', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    const before = Number(bench.status().watermark)
    relay.faults.noEose = true
    lastClient(relay).drop()
    // Twelve minutes of connections that end before any catch-up does.
    for (let drops = 0; drops < 12; drops++) {
      await bench.pass(25_000)
      if (bench.status().status === 'syncing') lastClient(relay).drop()
      await bench.pass(35_000)
    }
    relay.faults.noEose = false
    lastClient(relay).drop()
    await bench.pass(3_600_000)
    const late = asked(lastClient(relay)).filter((filter) => filter['#a'] !== undefined)
    expect(late.every(({ since = 0 }) => since <= before - buffer)).toBe(true)
    expect(bench.status().status).toBe('connected')
  })

  it('R46: finds afterwards what authors dated before the gap', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    const backDated = comment(bug, 'written long ago, published today', 5000)
    relay.publish(backDated)
    await bench.pass(6000)
    expect([bench.status().strategy, ...bench.stored(backDated)]).toEqual(['quick-reconnect', false])
    await bench.sync()
    expect(bench.stored(backDated)).toEqual([true])
  })

  it('R46: leaves that to the daily sync where there is no negentropy', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    const backDated = comment(bug, 'written long ago', 5000)
    relay.publish(backDated)
    await bench.sync()
    expect(bench.stored(backDated)).toEqual([false])
    await bench.pass(25.1 * 3_600_000)
    expect(bench.stored(backDated)).toEqual([true])
  })
})

describe('the daily sync', () => {
  it('R47: asks for all again, after 23 to 25 hours, on the link that there is', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const bug = issue('bug')
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.pass(22.9 * 3_600_000)
    const hidden = comment(bug, 'never announced', 6000)
    ;(relay.events as unknown[]).push(hidden)
    expect(bench.status().strategy).toBe('fresh-start')
    await bench.pass(2.3 * 3_600_000)
    expect(bench.status()).toMatchObject({ strategy: 'daily-sync', status: 'connected', confirmedItems: 2 })
    expect(bench.stored(hidden)).toEqual([true])
    expect(relay.clients).toHaveLength(1)
  })
})

describe('a restart of the process', () => {
  it('R88: goes on where it was, if that was not long ago', async () => {
    const state = memoryState()
    const first = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off', state })
    const relay = await first.relay({ events: [announcement([url]), issue('bug')] })
    first.mirror.start()
    await first.sync()
    const watermark = Number(first.status().watermark)
    // Killed: what was saved by the clock is all there is.
    const saved = structuredClone(state.value)
    await first.mirror.close()
    state.value = saved
    const { env, network, store } = first
    await first.pass(60_000)
    await using second = await mirrorBench({
      bootstrapRelays: [url],
      negentropy: 'off',
      state,
      env,
      network,
      store,
    })
    second.mirror.start()
    await second.sync()
    expect(second.status().strategy).toBe('quick-reconnect')
    const since = asked(lastClient(relay)).map((filter) => Number(filter.since))
    expect(since.length).toBeGreaterThan(3)
    expect(since.every((each) => each <= watermark - buffer && each > watermark - buffer - 30)).toBe(true)
  })

  it('R88: begins anew, with what is stored, if it was', async () => {
    const state = memoryState()
    const first = await mirrorBench({ bootstrapRelays: [url], state })
    const relay = await first.relay({ events: [announcement([url]), issue('bug')] })
    first.mirror.start()
    await first.sync()
    const drained = first.mirror.drain()
    await first.pass(1000)
    expect(await drained).toMatchObject({ finished: 1, timedOut: false })
    const { env, network, store } = first
    await first.pass(1_000_000)
    await using second = await mirrorBench({ bootstrapRelays: [url], state, env, network, store })
    second.mirror.start()
    await second.sync()
    expect(second.status()).toMatchObject({ strategy: 'fresh-start', confirmedItems: 2 })
    expect(asked(lastClient(relay))).toEqual([])
  })

  it('R67: takes up stored announcements and root events before it connects to anybody', async () => {
    await using bench = await mirrorBench()
    const bug = issue('bug')
    await bench.store.put([announcement([url]), bug])
    const relay = await bench.relay({ events: [comment(bug, 'yes')] })
    bench.mirror.start()
    await bench.pass(2000)
    expect(bench.stored(...relay.events)).toEqual([true])
    expect(bench.mirror.state.repositories).toBe(1)
  })
})
