import { testEnv } from '@holdfast/core/testing'
import { memoryStore } from '@holdfast/nostr-sync'
import type { ScriptedClient } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { announcement, asked, issue, lastClient, mirrorBench, url } from './support/mirror-bench.js'

const options = { bootstrapRelays: [url], negentropy: 'off' } as const

/** Ids of requests that are for history, by whether they are of layer 1. */
function historic(client: ScriptedClient, isLayer1: boolean): string[] {
  return client.received
    .filter((text) => text.startsWith('["REQ"') && !text.includes('"limit":0'))
    .filter((text) => text.includes('10317') === isLayer1)
    .map((text) => (JSON.parse(text) as string[])[1] ?? '')
}

describe('the watermark', () => {
  it('R45: is where the batch began that has come in, not where it ended', async () => {
    await using bench = await mirrorBench(options)
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(100)
    const began = bench.now()
    await bench.pass(20_000)
    for (const subscription of historic(lastClient(relay), true))
      lastClient(relay).says({ kind: 'eose', subscription })
    await bench.pass(100)
    expect(bench.status().watermark).toBe(began)
  })

  it('R45: does not pass a batch that is not confirmed, whichever others are', async () => {
    await using bench = await mirrorBench(options)
    await bench.store.put([announcement([url])])
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    // No more than four are open at once (R51).
    for (let round = 0; round < 2; round++) {
      await bench.pass(10_000)
      for (const subscription of historic(lastClient(relay), false))
        lastClient(relay).says({ kind: 'eose', subscription })
    }
    await bench.pass(100)
    expect(bench.status()).toMatchObject({ confirmedItems: 1, pendingBatches: 1, watermark: null })
  })

  it('R45, R88: does not move, and nothing is confirmed, before what came is stored', async () => {
    const env = testEnv()
    const store = memoryStore(env.clock)
    const put = store.put.bind(store)
    store.put = async (events) => {
      await new Promise<void>((resolve) => env.clock.after(20_000, resolve))
      return put(events)
    }
    await using bench = await mirrorBench({ ...options, env, store })
    await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.pass(10_000)
    expect(bench.status()).toMatchObject({ watermark: null, pendingBatches: 1 })
    await bench.pass(15_000)
    expect(bench.status().watermark).not.toBeNull()
  })

  it('R45: stays where a live subscription was lost, until what was missed has been asked for', async () => {
    await using bench = await mirrorBench(options)
    const relay = await bench.relay()
    bench.mirror.start()
    await bench.sync()
    const lost = bench.now()
    for (const subscription of lastClient(relay).subscriptions)
      lastClient(relay).says({ kind: 'closed', subscription, text: 'error: idle' })
    await bench.pass(50_000)
    expect(Number(bench.status().watermark)).toBeLessThanOrEqual(lost)
    await bench.pass(60_000)
    expect(Number(bench.status().watermark)).toBeGreaterThan(lost + 50)
    expect(asked(lastClient(relay)).some(({ since = Infinity }) => since <= lost - 900)).toBe(true)
  })

  it('R45, R55: what could not be caught up with is asked for from the beginning the next time', async () => {
    await using bench = await mirrorBench(options)
    const relay = await bench.relay({ events: [announcement([url]), issue('bug')] })
    bench.mirror.start()
    await bench.sync()
    expect(bench.status().confirmedItems).toBe(2)
    relay.faults.noEose = true
    lastClient(relay).drop()
    await bench.pass(300_000)
    expect(bench.status()).toMatchObject({ strategy: 'quick-reconnect', confirmedItems: 0 })
    relay.faults.noEose = false
    lastClient(relay).drop()
    await bench.sync()
    const byRepo = asked(lastClient(relay)).filter((filter) => filter['#a'] !== undefined)
    expect(byRepo.length).toBeGreaterThan(0)
    expect(byRepo.every(({ since }) => since === undefined)).toBe(true)
  })
})
