import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemEnv } from '@holdfast/core'
import { jsonLinesSink, keySigner, memoryStore, type NostrEvent, relaySink } from '@holdfast/nostr-sync'
import {
  embeddedRelay,
  type RelayFaults,
  scriptedRelay,
  TestAuthor,
  trustingVerifier,
} from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'

const alice = new TestAuthor('alice')
const env = systemEnv()
const event = alice.signs()
/** Signatures are not looked at here. */
const made = (count: number, from = 0): NostrEvent[] =>
  Array.from({ length: count }, (_, n) => ({ ...event, id: (from + n).toString(16).padStart(64, '0') }))
const idsOf = (events: readonly NostrEvent[]): string[] => events.map(({ id }) => id).toSorted()

async function to(faults: RelayFaults = {}, events: readonly NostrEvent[] = []) {
  const relay = await scriptedRelay({ faults, events })
  const store = memoryStore()
  return { relay, store, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() }
}

describe('a relay as a sink', () => {
  it('R103: is sent what it lacks, and no more, then what is saved', async () => {
    const both = made(400)
    await using relay = await embeddedRelay({
      events: both,
      verifier: {
        ...trustingVerifier(),
        submit: (_, done) => (queueMicrotask(() => done('valid')), 'taken'),
      },
    })
    const store = memoryStore()
    await store.put([...both, ...made(300, 1000)])
    await using sink = relaySink({ env, store, url: relay.url })
    await expect.poll(() => relay.store.size).toBe(700)
    expect(relay.endpoint.stats.received.get('event')).toBe(300)
    await store.put(made(5, 5000))
    await expect.poll(() => sink.stats).toEqual({ delivered: 305, refused: 0 })
  })

  it.each(['notice', 'closed'] as const)(
    'R99: without negentropy, by %s, is sent everything',
    async (negentropy) => {
      await using t = await to({ negentropy })
      await t.store.put(made(250))
      await using sink = relaySink({ env, store: t.store, url: t.relay.url })
      await expect.poll(() => sink.stats.delivered).toBe(250)
      expect(idsOf(t.relay.events)).toEqual(idsOf(made(250)))
    },
  )

  it('R103: at most 100 wait for their answer', async () => {
    await using t = await to({ noOk: true })
    await t.store.put(made(250))
    await using _sink = relaySink({ env, store: t.store, url: t.relay.url })
    await expect.poll(() => t.relay.events.length).toBe(100)
    for (const { id } of made(50)) t.relay.clients[0]?.says({ kind: 'ok', id, accepted: true, text: '' })
    await expect.poll(() => t.relay.events.length).toBe(150)
  })

  it('after an interruption gets what it has not answered to, without being asked anew', async () => {
    await using t = await to()
    await using sink = relaySink({ env, store: t.store, url: t.relay.url })
    await t.store.put(made(1))
    await expect.poll(() => sink.stats.delivered).toBe(1)
    t.relay.faults.noOk = true
    await t.store.put(made(3, 10))
    await expect.poll(() => t.relay.events.length).toBe(4)
    t.relay.faults.noOk = false
    t.relay.clients[0]?.drop()
    await t.store.put(made(1, 20))
    await expect.poll(() => sink.stats.delivered, { timeout: 20_000 }).toBe(5)
    expect(t.relay.clients[1]?.messages('neg-open')).toEqual([])
    expect(t.relay.clients[1]?.messages('event')).toHaveLength(4)
  })

  it('that has not got all it lacked is asked anew', async () => {
    await using t = await to({ dropAfterReceived: 20 })
    await t.store.put(made(50))
    await using sink = relaySink({ env, store: t.store, url: t.relay.url })
    await expect.poll(() => t.relay.clients.length, { timeout: 20_000 }).toBe(2)
    delete t.relay.faults.dropAfterReceived
    await expect.poll(() => new Set(t.relay.events).size, { timeout: 20_000 }).toBeGreaterThan(49)
    expect(sink.stats.refused).toBe(0)
  })

  it('R92: is told who we are when it asks', async () => {
    const signer = keySigner(alice.secretKey)
    const auth = { url: '', required: true, verifier: trustingVerifier() }
    await using relay = await embeddedRelay({ auth, verifier: trustingVerifier() })
    auth.url = relay.url
    const store = memoryStore()
    await using sink = relaySink({ env, store, url: relay.url, signer })
    await store.put([event])
    await expect.poll(() => relay.store.size).toBe(1)
    await sink.drain({ within: 5000 })
    expect(sink.stats).toEqual({ delivered: 1, refused: 0 })
    expect(sink.state.phase).toBe('closed')
  })

  it('may refuse events, which are not sent again', async () => {
    await using relay = await embeddedRelay({ verifier: trustingVerifier() })
    const store = memoryStore()
    await using sink = relaySink({ env, store, url: relay.url })
    await store.put([alice.signs({ tags: [['-']] }), event])
    await expect.poll(() => sink.stats).toEqual({ delivered: 1, refused: 1 })
  })
})

describe('a file as a sink', () => {
  it('gets every event that is saved, as a line', async () => {
    await using directory = await temporaryFolder()
    const path = join(directory.path, 'events.jsonl')
    const store = memoryStore()
    await store.put(made(1))
    const sink = await jsonLinesSink({ env, store, path })
    const events = made(500, 10)
    await Promise.all(events.map((one) => store.put([one])))
    await sink.drain({ within: 1000 })
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as NostrEvent)).toEqual(events)
    expect(sink.stats.delivered).toBe(500)
  })

  it('begins on a line of its own behind half a line of a process that was killed', async () => {
    await using directory = await temporaryFolder()
    const path = join(directory.path, 'events.jsonl')
    await writeFile(path, '{"id":"half')
    for (const from of [1, 2]) {
      const store = memoryStore()
      const sink = await jsonLinesSink({ env, store, path })
      await store.put(made(1, from))
      await sink.drain({ within: 1000 })
    }
    const [first, second] = [made(1, 1), made(1, 2)].map(([one]) => JSON.stringify(one))
    expect(await readFile(path, 'utf8')).toBe(`{"id":"half\n${first}\n${second}\n`)
  })

  it.runIf(existsSync('/dev/full'))('counts as refused what a full disk did not take', async () => {
    const store = memoryStore()
    const sink = await jsonLinesSink({ env, store, path: '/dev/full' })
    await store.put(made(3))
    await sink.drain({ within: 1000 })
    expect(sink.stats).toEqual({ delivered: 0, refused: 3 })
  })
})
