import { describe, expect, it } from 'vitest'
import {
  announcement,
  asked,
  comment,
  issue,
  lastClient,
  memoryState,
  mirrorBench,
  url,
} from './support/mirror-bench.js'

const minute = 60_000
const bug = issue('bug')

describe('what faults have cost is asked for again', () => {
  it('R57: what a relay did not answer is asked for after ten minutes, and then ever more rarely', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url]), bug], faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(3 * minute)
    expect(bench.status().status).toBe('connected-with-failures')
    relay.faults.noEose = false
    const hidden = comment(bug, 'never announced')
    ;(relay.events as unknown[]).push(hidden)
    await bench.pass(7 * minute)
    expect(bench.stored(hidden)).toEqual([false])
    await bench.pass(5 * minute)
    expect(bench.stored(hidden)).toEqual([true])
    expect(bench.status()).toMatchObject({ status: 'connected', confirmedItems: 2 })
  })

  it('R57: a relay that never answers is asked four times in three hours, not by the minute', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(5 * minute)
    const { length } = asked(lastClient(relay))
    await bench.pass(175 * minute)
    expect(asked(lastClient(relay)).length - length).toBeLessThanOrEqual(8)
  })

  it('R57: one time of asking again is enough, however many batches fail until then', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    await bench.store.put([announcement([url])])
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(3 * minute)
    expect(bench.status().status).toBe('connected-with-failures')
    const { pending } = bench.env.clock
    for (let count = 0; count < 5; count++) {
      await bench.store.put([issue(`bug ${count}`)])
      await bench.pass(80_000)
    }
    expect(bench.env.clock.pending).toBe(pending)
    relay.faults.noEose = false
    await bench.pass(4 * minute)
    expect(bench.status()).toMatchObject({ status: 'connected', confirmedItems: 6 })
  })

  it('R57, R84: what falls due while the relay wants quiet is asked for after that', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ faults: { noEose: true } })
    bench.mirror.start()
    await bench.pass(10 * minute)
    relay.faults.noEose = false
    relay.publish(announcement([url]))
    bench.mirror.relay(url)?.health.rateLimited('slow down', 3 * minute)
    await bench.pass(5 * minute)
    expect(bench.status()).toMatchObject({ status: 'connected', confirmedItems: 1 })
  })

  it('R45, R55: what a busy relay did not make live is made so within minutes, and what came meanwhile is fetched', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    relay.faults.noEose = true
    relay.publish(bug)
    await bench.pass(2 * minute)
    relay.faults.noEose = false
    const late = comment(bug, 'while nobody was told', bench.now())
    relay.publish(late)
    await bench.pass(2 * minute)
    expect(bench.stored(late)).toEqual([true])
    const live = comment(bug, 'live again', bench.now())
    relay.publish(live)
    await bench.pass(1000)
    expect(bench.stored(live)).toEqual([true])
  })

  it('R57: a live subscription that is refused once the sync is over is a failure all the same', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    relay.faults.noEose = true
    const before = new Set(lastClient(relay).subscriptions)
    relay.publish(bug)
    await bench.pass(6000)
    const opened = lastClient(relay).subscriptions.filter((id) => !before.has(id))
    const [live = '', ...historic] = opened
    for (const subscription of historic) lastClient(relay).says({ kind: 'eose', subscription })
    await bench.pass(10_000)
    expect(bench.status().status).toBe('connected')
    lastClient(relay).says({ kind: 'closed', subscription: live, text: 'restricted: not for you' })
    await bench.pass(10_000)
    expect(bench.status().status).toBe('connected-with-failures')
  })

  it('R57: a second refusal on a link says nothing new, and does not put off what the first one leads to', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url])] })
    bench.mirror.start()
    await bench.sync()
    relay.faults.noEose = true
    const opened: string[] = []
    for (const text of ['bug', 'another']) {
      const before = new Set(lastClient(relay).subscriptions)
      relay.publish(issue(text))
      await bench.pass(6000)
      const [live = '', ...historic] = lastClient(relay).subscriptions.filter((id) => !before.has(id))
      for (const subscription of historic) lastClient(relay).says({ kind: 'eose', subscription })
      opened.push(live)
    }
    await bench.pass(10_000)
    for (const subscription of opened) {
      expect(bench.status().status).toBe('connected')
      lastClient(relay).says({ kind: 'closed', subscription, text: 'restricted: not for you' })
      await bench.pass(4000)
    }
    expect(bench.status().status).toBe('connected-with-failures')
  })

  it('R46: a look for what was dated before the gap that could not be taken is taken later', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    lastClient(relay).drop()
    await bench.pass(8000)
    relay.faults.negentropy = 'too-large'
    await bench.pass(2 * minute)
    const backDated = comment(bug, 'written long ago', 5000)
    ;(relay.events as unknown[]).push(backDated)
    delete relay.faults.negentropy
    expect(bench.stored(backDated)).toEqual([false])
    await bench.pass(6 * minute)
    expect(bench.stored(backDated)).toEqual([true])
  })
})

describe('a clock that is set', () => {
  it('R45, R91: all is asked for anew, for dates were judged by the wrong one', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    bench.env.clock.stepWall(-7_200_000)
    await bench.pass(5 * minute)
    // Dated rightly, and two hours ahead of us.
    const ahead = comment(bug, 'new', bench.now() + 7200)
    relay.publish(ahead)
    await bench.pass(minute)
    expect(bench.stored(ahead)).toEqual([false])
    bench.env.clock.stepWall(7_200_000)
    await bench.pass(3 * minute)
    expect(bench.stored(ahead)).toEqual([true])
  })

  it('R40: a relay that was away meanwhile is not caught up with since a time that means nothing', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    await relay.close()
    await bench.pass(10_000)
    bench.env.clock.stepWall(-3_600_000)
    await using again = await bench.relay({ events: relay.events })
    await bench.pass(2 * minute)
    expect(bench.status().strategy).toBe('fresh-start')
    expect(asked(lastClient(again)).every(({ since }) => since === undefined)).toBe(true)
  })

  it.each([-50_000, -600_000])(
    'R84: what a relay had to be left in peace for is asked for then, although the clock was set by %i ms meanwhile',
    async (step) => {
      await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
      const relay = await bench.relay({
        events: [announcement([url]), bug],
        faults: { rateLimit: { after: 3, by: 'closed' } },
      })
      bench.mirror.start()
      await bench.pass(20_000)
      expect(bench.status().health).toBe('rate-limited')
      delete relay.faults.rateLimit
      bench.env.clock.stepWall(step)
      await bench.pass(5 * minute)
      expect(bench.stored(bug)).toEqual([true])
      expect(bench.status()).toMatchObject({ status: 'connected', pendingBatches: 0 })
    },
  )

  it('R45: a step of seconds, as a clock that keeps in step takes, costs nothing', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    const relay = await bench.relay({ events: [announcement([url]), bug] })
    bench.mirror.start()
    await bench.sync()
    const { length } = asked(lastClient(relay))
    bench.env.clock.stepWall(30_000)
    await bench.pass(5 * minute)
    expect(asked(lastClient(relay))).toHaveLength(length)
  })

  it('R88: what was saved in a future that has not come is not gone on from', async () => {
    const state = memoryState()
    const first = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off', state })
    const relay = await first.relay({ events: [announcement([url]), bug] })
    first.mirror.start()
    await first.sync()
    await first.mirror.close()
    const { env, network, store } = first
    env.clock.stepWall(-3_600_000)
    await using second = await mirrorBench({
      ...{ bootstrapRelays: [url], state, env, network, store },
      negentropy: 'off',
    })
    second.mirror.start()
    await second.sync()
    expect(second.status().strategy).toBe('fresh-start')
    expect(asked(lastClient(relay)).every(({ since }) => since === undefined)).toBe(true)
  })
})

describe('who is not to blame', () => {
  it('R99: silence of the whole link is no refusal of negentropy', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    // Answers nothing at all.
    const relay = await bench.relay({
      events: [announcement([url]), bug],
      faults: { noEose: true, negentropy: 'silent' },
    })
    bench.mirror.start()
    await bench.pass(15_000)
    expect(lastClient(relay).messages('neg-open')).not.toEqual([])
    expect(bench.mirror.relay(url)?.capabilities.mayUseNegentropy()).toBe(true)
  })
})
