import { testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { announcement, comment, issue, lastClient, mirrorBench, url } from './support/mirror-bench.js'

const fast = { relay: { backoff: { base: 1000, cap: 2000 } }, bootstrapRelays: [url] }

/** A relay with a repository, two issues and what was said about them. */
function thread() {
  const bug = issue('bug')
  const wish = issue('wish', 2001)
  return [announcement([url]), bug, wish, comment(bug, 'yes'), comment(wish, 'no', 3001)]
}

describe.each(['auto', 'off'] as const)('a relay that dies, with negentropy %s', (negentropy) => {
  it.each(['dropAfterReceived', 'dropAfterSent'] as const)('loses us nothing, whenever: %s', async (cut) => {
    for (let at = 1; at <= 40; at++) {
      await using bench = await mirrorBench({ ...fast, negentropy })
      const relay = await bench.relay({ events: thread(), faults: { [cut]: at } })
      bench.mirror.start()
      // The first session is cut, and so may the second be; the third is not.
      for (let cuts = 0; relay.clients.length < 3 && cuts < 40; cuts++) await bench.pass(1000)
      relay.faults[cut] = 0
      lastClient(relay).drop()
      await bench.pass(60_000)
      expect({ at, stored: bench.stored(...relay.events) }).toEqual({
        at,
        stored: relay.events.map(() => true),
      })
      expect(bench.status().status).toBe('connected')
    }
  })

  it('loses us nothing of what is published while it comes and goes', async () => {
    const env = testEnv({ seed: 7 })
    await using bench = await mirrorBench({ ...fast, negentropy, env })
    const relay = await bench.relay({ events: thread() })
    bench.mirror.start()
    const [, bug] = relay.events
    if (bug === undefined) throw new Error('no bug')
    for (let count = 0; count < 60; count++) {
      relay.publish(comment(bug, `${count}`, bench.now()))
      if (count % 7 === 0) relay.publish(issue(`${count}`, bench.now()))
      await bench.pass(env.random() * 4000)
      if (env.random() < 0.3 && relay.clients.length > 0) lastClient(relay).drop()
    }
    await bench.pass(60_000)
    expect(bench.stored(...relay.events)).toEqual(relay.events.map(() => true))
  })
})
