import { silentLog } from '@holdfast/core'
import { ScriptedDialer, testEnv } from '@holdfast/core/testing'
import { RelayTargetError, relayTarget } from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { madeEvent } from './support/made-event.js'
import {
  alice,
  announcement,
  asked,
  comment,
  issue,
  lastClient,
  memoryState,
  mirrorBench,
  repoKey,
  url,
} from './support/mirror-bench.js'

const other = 'wss://other.example'

describe('the object of a relay', () => {
  it('R20, R21: is made once and kept across every disconnect; making it dials nobody', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay()
    bench.mirror.start()
    const object = bench.mirror.relay(url)
    expect(bench.dials).toEqual([])
    for (let links = 1; links <= 3; links++) {
      await bench.sync()
      expect(relay.clients).toHaveLength(links)
      expect(bench.mirror.relay(url)).toBe(object)
      lastClient(relay).drop()
    }
  })

  it('R5: is never made for ourselves', async () => {
    await using bench = await mirrorBench()
    await bench.store.put([announcement(['wss://grasp.example:443/', url])])
    bench.mirror.start()
    await bench.pass(1000)
    expect(bench.mirror.state.relays.map((relay) => relay.url)).toEqual([url])
  })

  it('R4: is not connected to where strangers must not lead us', async () => {
    const resolve = (): Promise<string[]> => Promise.resolve(['203.0.114.1', '192.168.0.7'])
    await expect(relayTarget(url, { resolve, allowPrivate: false })).rejects.toBeInstanceOf(RelayTargetError)
    await expect(relayTarget('ws://127.0.0.1:7777', { resolve, allowPrivate: false })).rejects.toThrow(
      /loopback/,
    )
    await using bench = await mirrorBench({ bootstrapRelays: [url], resolve })
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.pass(3_000_000)
    expect([relay.clients.length, bench.dials.length]).toEqual([0, 0])
    expect(bench.status()).toMatchObject({ status: 'disconnected', failuresInRow: 1 })
  })

  it('R4: is dialed at the addresses that were looked at', async () => {
    const target = await relayTarget(url, {
      resolve: () => Promise.resolve(['203.0.114.9']),
      allowPrivate: false,
    })
    const found = await new Promise((resolve) =>
      target.lookup?.('relay.example', {}, (_e, address) => resolve(address)),
    )
    expect(found).toBe('203.0.114.9')
  })
})

describe('what core does of the specification', () => {
  it('R22, R23: one dial at a time, which ends before the next could begin', async () => {
    const env = testEnv()
    const dialer = new ScriptedDialer(env.clock, [{}])
    await using bench = await mirrorBench({ env, dialer, bootstrapRelays: [url] })
    bench.mirror.start()
    await bench.pass(4900)
    expect([dialer.links.length, bench.status().status]).toEqual([1, 'connecting'])
    await bench.pass(200)
    expect([dialer.last.phase, bench.status().status]).toEqual(['ended', 'disconnected'])
    await bench.pass(60_000)
    expect(dialer.links.length).toBeGreaterThan(2)
    expect(dialer.links.filter(({ phase }) => phase !== 'ended').length).toBeLessThanOrEqual(1)
  })

  it('R26, R27, R79: a bootstrap relay that is down at the start is tried again, less and less often', async () => {
    const env = testEnv({ random: () => 0.5 })
    await using bench = await mirrorBench({ env, bootstrapRelays: [url] })
    bench.mirror.start()
    await bench.pass(200_000)
    const gaps = bench.dials
      .slice(1)
      .map(({ at }, index) => Math.round((at - Number(bench.dials[index]?.at)) / 1000))
    expect(gaps).toEqual([5, 10, 20, 40, 80])
    await bench.relay()
    await bench.pass(200_000)
    expect(bench.status().status).toBe('connected')
  })

  it('R27: at most ten dials are under way at once', async () => {
    const env = testEnv()
    const dialer = new ScriptedDialer(env.clock, [{}])
    const bootstrapRelays = Array.from({ length: 25 }, (_, index) => `wss://r${index}.example`)
    await using bench = await mirrorBench({ env, dialer, bootstrapRelays })
    bench.mirror.start()
    await bench.pass(4000)
    expect(dialer.links).toHaveLength(10)
    await bench.pass(11_500)
    expect(new Set(dialer.links.map(({ endpoint }) => endpoint.uri)).size).toBe(25)
  })

  it('R7, R28, R29, R30: a lost link is one disconnect and one failure; what is confirmed stays', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    await bench.pass(100)
    expect(bench.status()).toMatchObject({
      status: 'disconnected',
      health: 'degraded',
      failuresInRow: 1,
      confirmedItems: 1,
      pendingBatches: 0,
      disconnectedAt: bench.now(),
    })
  })

  it('R31: a relay that answers pings is not left, however little it says', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.pass(600_000)
    expect(relay.clients).toHaveLength(1)
  })

  it.each([
    [60_000, {}],
    [10_000, { hearWithin: 10_000 }],
  ])('R31: a relay that falls silent is left after %i ms: %o', async (hearWithin, options) => {
    const env = testEnv()
    const dialer = new ScriptedDialer(env.clock, [{ openAfter: 1 }, {}])
    await using silent = await mirrorBench({ env, dialer, bootstrapRelays: [url], relay: options })
    silent.mirror.start()
    await silent.pass(hearWithin - 1000)
    expect(dialer.last.isOpen).toBe(true)
    await silent.pass(2000 + hearWithin / 4)
    expect(dialer.links[0]?.phase).toBe('ended')
    expect(silent.status().failuresInRow).toBeGreaterThan(0)
  })

  it('R32: CLOSED ends a subscription, not the link', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.sync()
    const [subscription = ''] = lastClient(relay).subscriptions
    lastClient(relay).says({ kind: 'closed', subscription, text: 'error: shutting down idle subscription' })
    await bench.pass(50_000)
    expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected'])
  })

  it('R12, R56: an EOSE of nobody, or of an earlier session, changes nothing', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(1000)
    const old = lastClient(relay)
      .messages('close')
      .map(({ subscription }) => subscription)
    const first = lastClient(relay).received.map((text) => (JSON.parse(text) as string[])[1] ?? '')
    lastClient(relay).drop()
    await bench.pass(10_000)
    for (const subscription of ['nobody', ...first, ...old])
      lastClient(relay).says({ kind: 'eose', subscription })
    await bench.pass(10_000)
    expect(bench.status()).toMatchObject({ status: 'syncing', pendingBatches: 1 })
  })

  it('R82: a relay that accepts and hangs up is not a relay that works', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay({ faults: { dropAfterReceived: 1 } })
    bench.mirror.start()
    await bench.pass(3_600_000)
    expect(relay.clients.length).toBeLessThan(12)
    relay.faults.dropAfterReceived = 0
    await bench.pass(2 * 3_600_000)
    expect(bench.status()).toMatchObject({ status: 'connected', failuresInRow: 0 })
  })

  it('R80: a relay that was down for a day is tried once a day, also after a restart', async () => {
    const state = memoryState()
    const bench = await mirrorBench({ bootstrapRelays: [url], state })
    bench.mirror.start()
    await bench.pass(30 * 3_600_000)
    expect(bench.status().health).toBe('dead')
    const before = bench.dials.length
    await bench.pass(60 * 3_600_000)
    expect(bench.dials.length - before).toBeLessThanOrEqual(4)
    await bench.mirror.close()
    const { env, network } = bench
    await using next = await mirrorBench({ bootstrapRelays: [url], state, env, network })
    next.mirror.start()
    await next.pass(20 * 3_600_000)
    // At the start once, and then by the day.
    expect(next.dials.length).toBeLessThanOrEqual(2)
    expect(next.status().health).toBe('dead')
  })

  it('R83, R84: 429 at the handshake is a rate limit, kept for as long as the relay asks', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const connection = bench.mirror.relay(url)
    expect(connection).toBeNull()
    bench.mirror.start()
    bench.mirror.relay(url)?.health.rateLimited('HTTP 429', 120_000)
    expect(bench.mirror.relay(url)?.health.quietFor()).toBe(120_000)
    expect(bench.status().health).toBe('rate-limited')
  })
})

describe('what is known of the relays', () => {
  it('R88: is saved again once that works; that it did not is said once, not every ten seconds', async () => {
    const told: string[] = []
    const log = {
      ...silentLog,
      error: (_: object, text: string) => told.push(text),
      warn: (_: object, text: string) => told.push(text),
    }
    const state = memoryState()
    const save = state.save.bind(state)
    state.save = () => Promise.reject(new Error('no space left'))
    await using bench = await mirrorBench({ env: testEnv({ log }), bootstrapRelays: [url], state })
    await bench.relay()
    bench.mirror.start()
    await bench.pass(60_000)
    expect(told).toEqual(['what is known of the relays could not be saved; told once until it works again'])
    state.save = save
    await bench.pass(20_000)
    expect(told.slice(1)).toEqual(['what is known of the relays could not be saved: that is over'])
    expect(state.value?.relays.map((relay) => relay.url)).toEqual([url])
  })
})

describe('targets', () => {
  it('R65, R66: follow what is stored, whoever brought it, every five seconds', async () => {
    await using bench = await mirrorBench()
    const bug = issue('bug')
    const relay = await bench.relay({ events: [bug] })
    bench.mirror.start()
    await bench.pass(1000)
    expect(bench.mirror.state.relays).toEqual([])
    bench.mirror.intake.offer(announcement([url]), { kind: 'client' })
    await bench.pass(1000)
    expect(bench.mirror.state.relays).toEqual([])
    await bench.sync()
    expect(bench.stored(bug)).toEqual([true])
    expect(relay.clients).toHaveLength(1)
  })

  it('R19: are asked for once, however often something comes', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    for (let count = 0; count < 5; count++) {
      relay.publish(issue(`bug ${count}`, 2000 + count))
      await bench.pass(7000)
    }
    await bench.sync()
    const byRepo = asked(lastClient(relay)).filter((filter) => filter['#a'] !== undefined)
    const byRoot = asked(lastClient(relay)).flatMap((filter) => filter['#e'] ?? [])
    expect([byRepo.length, byRoot.length, new Set(byRoot).size]).toEqual([1, 5, 5])
    expect(bench.status().confirmedItems).toBe(6)
  })

  it('R68, R35, R33: a relay that no repository lists any more is left, and forgotten', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [other] })
    const relay = await bench.relay({ events: [announcement([url])] })
    await bench.relay({ url: other })
    await bench.store.put([announcement([url])])
    bench.mirror.start()
    await bench.sync()
    expect(bench.status().status).toBe('connected')
    bench.mirror.intake.offer(announcement([], { at: 2000 }), { kind: 'client' })
    await bench.pass(50_000)
    expect(bench.status().status).toBe('connected')
    await bench.pass(130_000)
    expect(bench.mirror.state.relays.map((each) => each.url)).toEqual([other])
    expect(lastClient(relay).messages('close').length).toBeGreaterThan(0)
    expect(relay.clients).toHaveLength(1)
  })

  it('R34: a bootstrap relay is kept although nobody lists it', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.pass(3_600_000)
    expect([relay.clients.length, bench.status().status]).toEqual([1, 'connected'])
  })

  it('R35, R86: a repository whose announcement is deleted is wanted no more', async () => {
    await using bench = await mirrorBench()
    await bench.store.put([announcement([url])])
    await bench.relay()
    bench.mirror.start()
    await bench.sync()
    expect(bench.status().confirmedItems).toBe(1)
    bench.mirror.intake.offer(
      madeEvent({ kind: 5, pubkey: alice, created_at: 4000, tags: [['a', repoKey]] }),
      { kind: 'client' },
    )
    await bench.pass(6000)
    expect([bench.mirror.state.repositories, bench.status().confirmedItems]).toEqual([0, 0])
  })

  it('R17, R18, R36, R48: a repository may be found while its relay is away, and is asked for when it is back', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const bug = issue('bug', 2000)
    const relay = await bench.relay({ events: [bug, comment(bug, 'yes')] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    bench.mirror.intake.offer(announcement([url]), { kind: 'client' })
    await bench.sync()
    expect(bench.stored(...relay.events)).toEqual([true, true])
  })
})

it('a drain closes with 1000, after CLOSE for every subscription', async () => {
  await using bench = await mirrorBench({ bootstrapRelays: [url] })
  const relay = await bench.relay()
  bench.mirror.start()
  await bench.sync()
  const open = lastClient(relay).subscriptions
  expect(open.length).toBeGreaterThan(0)
  const report = bench.mirror.drain()
  await bench.pass(100)
  expect(await report).toMatchObject({ finished: 1, timedOut: false, cut: [] })
  expect(lastClient(relay).subscriptions).toEqual([])
  expect(bench.mirror.state.phase).toBe('closed')
})
