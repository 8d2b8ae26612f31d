import { type Dialer, end, type LinkSink } from '@holdfast/core'
import { memoryNetwork, testEnv } from '@holdfast/core/testing'
import {
  memorySource,
  type ReceivedBatch,
  replicationClient,
  replicationServer,
} from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'

/** Loses the server behind the first link after so many bytes of it, as a kill -9 does. */
function losingAfter(dialer: Dialer, bytes: number): Dialer {
  let left = bytes
  let isFirst = true
  return {
    dial(to, sink) {
      if (!isFirst) return dialer.dial(to, sink)
      isFirst = false
      const cut: LinkSink = {
        ...sinkOf(sink),
        data(chunk) {
          const part = chunk.subarray(0, left)
          left -= part.length
          if (part.length > 0) sink.data(part)
          if (left === 0) link.destroy(end('reset-by-peer'))
        },
      }
      const link = dialer.dial(to, cut)
      return link
    },
  }
}

function sinkOf(sink: LinkSink): LinkSink {
  return {
    opened: () => sink.opened(),
    data: (chunk) => sink.data(chunk),
    writable: () => sink.writable(),
    ended: (why) => sink.ended(why),
  }
}

/** A catch-up of two batches, then three live ones; some of more than one row. */
async function sessionCutAfter(bytes: number): Promise<ReceivedBatch[]> {
  const env = testEnv()
  const network = memoryNetwork(env.clock)
  const at = { uri: 'memory:main' }
  const source = memorySource({ streams: ['events'] })
  source.append('events', [['1a'], ['1b'], ['1c']])
  source.append('events', [['2a'], ['2b']])
  await using _server = await replicationServer({ env, acceptor: network, at, source, serverName: 's' })
  const batches: ReceivedBatch[] = []
  await using client = replicationClient({
    env,
    dialer: losingAfter(network, bytes),
    endpoints: [at],
    name: 'w1',
    streams: [{ stream: 'events', from: 0, unread: true, apply: (batch) => void batches.push(batch) }],
  })
  await client.start()
  await env.clock.advanceAsync(10)
  for (const rows of [[['3a'], ['3b']], [['4a']], [['5a'], ['5b'], ['5c']]]) {
    source.append('events', rows)
    await env.clock.advanceAsync(10)
  }
  await env.clock.advanceAsync(5000)
  return batches
}

/**
 * A catch-up of five tokens of one row each, which come in one chunk, then two live ones; applying takes its time, each after
 * the other. Says what was begun, and fails where the stored position is beyond what is done.
 */
async function slowSessionCutAfter(bytes: number, takes: number): Promise<number[]> {
  const env = testEnv()
  const network = memoryNetwork(env.clock)
  const at = { uri: 'memory:main' }
  const source = memorySource({ streams: ['events'] })
  for (const name of ['1', '2', '3', '4', '5']) source.append('events', [[name]])
  await using _server = await replicationServer({ env, acceptor: network, at, source, serverName: 's' })
  const begun: number[] = []
  const done = new Set<number>()
  const skipped: number[] = []
  await using client = replicationClient({
    env,
    dialer: losingAfter(network, bytes),
    endpoints: [at],
    name: 'w1',
    streams: [
      {
        stream: 'events',
        from: 0,
        unread: true,
        async apply({ token }) {
          begun.push(token)
          await new Promise<void>((resolve) => env.clock.after(takes, resolve))
          done.add(token)
        },
        store: {
          load: () => Promise.resolve(undefined),
          save: async (to) => {
            for (let token = 1; token <= (to?.at ?? 0); token += 1) if (!done.has(token)) skipped.push(token)
          },
        },
      },
    ],
  })
  await client.start()
  await env.clock.advanceAsync(10)
  for (const name of ['6', '7']) {
    source.append('events', [[name]])
    await env.clock.advanceAsync(10)
  }
  await env.clock.advanceAsync(5000)
  expect(skipped, `a position beyond what was applied, cut after ${bytes} bytes`).toEqual([])
  return begun
}

const rowsOf: Readonly<Record<number, string>> = {
  1: '["1a"] ["1b"] ["1c"]',
  2: '["2a"] ["2b"]',
  3: '["3a"] ["3b"]',
  4: '["4a"]',
  5: '["5a"] ["5b"] ["5c"]',
}

/** What comes again comes from a position that was not passed over. */
function expectNoGaps(tokens: readonly number[], where: string): void {
  for (const [index, token] of tokens.entries()) {
    expect(token, where).toBeLessThanOrEqual(Math.max(0, ...tokens.slice(0, index)) + 1)
  }
}

describe('a server that is lost at any byte of a session', () => {
  it('H13.8: costs no batch: each is applied whole, at least once, in order', async () => {
    for (let bytes = 1; bytes <= 420; bytes += 1) {
      const batches = await sessionCutAfter(bytes)
      const where = `cut after ${bytes} bytes`
      for (const { token, texts } of batches) expect(texts.join(' '), where).toBe(rowsOf[token])
      const fresh = batches
        .map(({ token }) => token)
        .filter((token, index, all) => all.indexOf(token) === index)
      expect(fresh, where).toEqual([1, 2, 3, 4, 5])
      const tokens = batches.map(({ token }) => token)
      expectNoGaps(tokens, where)
    }
  })

  for (const takes of [0, 40]) {
    it(`H13.8, I17: costs no batch where each takes ${takes} ms to apply, and no position is ahead of them`, async () => {
      for (let bytes = 1; bytes <= 330; bytes += 1) {
        const begun = await slowSessionCutAfter(bytes, takes)
        const where = `cut after ${bytes} bytes`
        expect([...new Set(begun)], where).toEqual([1, 2, 3, 4, 5, 6, 7])
        expectNoGaps(begun, where)
      }
    })
  }
})
