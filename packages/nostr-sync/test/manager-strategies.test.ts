import { describe, expect, it } from 'vitest'
import { announcement, comment, issue, mirrorBench } from './support/mirror-bench.js'

const url = 'wss://relay.example'
/** Long enough for a dial, a sync, and its end (R57). */
const synced = 30_000

describe('fresh start', () => {
  it('R41: finds repositories, then all about them, then all about the issues among that', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url] })
    const relay = await bench.relay(url)
    const bug = issue('bug')
    const answer = comment(bug, 'fixed')
    relay.publish(announcement([url]), bug, answer)
    bench.mirror.start()
    await bench.pass(synced)
    expect(bench.stored(...relay.events)).toEqual([true, true, true])
    expect(bench.status(url)).toMatchObject({
      status: 'connected',
      strategy: 'fresh-start',
      confirmedItems: 2,
    })
  })
})
