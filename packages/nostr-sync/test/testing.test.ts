import { type NostrEvent, readRelayInfo, refusesNegentropy } from '@holdfast/nostr-sync'
import {
  type RelayFaults,
  type ScriptedRelayOptions,
  scriptedRelay,
  TestAuthor,
} from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { TestClient } from './support/test-client.js'
import { strfryLogs } from './support/vectors.js'

const alice = new TestAuthor('alice')
const events: NostrEvent[] = [1, 2, 3].map((n) => alice.signs({ kind: 1621, created_at: n }))

async function connected(faults: RelayFaults = {}, more: ScriptedRelayOptions = {}) {
  const relay = await scriptedRelay({ events, faults, ...more })
  const client = await TestClient.connect(relay.url)
  return {
    relay,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await relay[Symbol.asyncDispose]()
    },
  }
}

describe('a scripted relay', () => {
  it('does as a relay should, unless it is told otherwise', async () => {
    await using c = await connected({}, { info: { supportedNips: [1], supportedGrasps: [], limitation: {} } })
    expect(await c.client.stored('s', { kinds: [1621], limit: 2 })).toEqual([events[2]?.id, events[1]?.id])
    const next = alice.signs({ kind: 1621, created_at: 4 })
    c.client.says({ kind: 'event', event: next }, { kind: 'count', subscription: 'c', filters: [{}] })
    expect(await c.client.hears('ok')).toMatchObject({ id: next.id, accepted: true })
    expect(await c.client.hears('count')).toMatchObject({ count: 4 })
    expect(c.client.events('s').at(-1)).toEqual(next)
    c.client.says({ kind: 'neg-open', subscription: 'n', filter: {}, message: '6100000200' })
    await c.client.hears('neg-msg')
    expect(c.relay.clients[0]?.messages('req')).toEqual([
      { kind: 'req', subscription: 's', filters: [{ kinds: [1621], limit: 2 }] },
    ])
    const answer = await fetch(c.relay.url.replace('ws', 'http'), {
      headers: { Accept: 'application/nostr+json' },
    })
    expect(readRelayInfo(await answer.text())?.supportedNips).toEqual([1])
  })

  it('R55: sends no EOSE', async () => {
    await using c = await connected({ noEose: true })
    c.client.says(
      { kind: 'req', subscription: 's', filters: [{}] },
      { kind: 'count', subscription: 'c', filters: [{}] },
    )
    await c.client.hears('count')
    expect(c.client.events('s')).toHaveLength(3)
    expect(c.client.heard.some(({ kind }) => kind === 'eose')).toBe(false)
  })

  it('R64: ignores filters', async () => {
    await using c = await connected({ ignoresFilters: true })
    expect(await c.client.stored('s', { kinds: [1] })).toHaveLength(3)
  })

  it('R37: takes limit 0 as no limit', async () => {
    await using c = await connected({ sendsHistoryForLimitZero: true })
    expect(await c.client.stored('s', { limit: 0 })).toHaveLength(3)
  })

  it('R90: alters signatures', async () => {
    await using c = await connected({ wrongSignatures: true })
    await c.client.stored('s', {})
    for (const { id, sig } of c.client.events('s'))
      expect(sig).not.toBe(events.find((event) => event.id === id)?.sig)
  })

  it('R85: answers too many REQs with what is stored and a NOTICE, and nothing live', async () => {
    await using c = await connected({ maxSubscriptions: 1 })
    await c.client.stored('a', {})
    expect(await c.client.stored('b', {})).toHaveLength(3)
    expect(await c.client.hears('notice')).toEqual({
      kind: 'notice',
      text: 'ERROR: too many concurrent REQs',
    })
    expect(c.relay.clients[0]?.subscriptions).toEqual(['a'])
  })

  it.each(['closed', 'notice'] as const)('R83: limits rates by %s', async (by) => {
    await using c = await connected({ rateLimit: { after: 1, by } })
    await c.client.stored('a', {})
    c.client.says({ kind: 'req', subscription: 'b', filters: [{}] })
    expect((await c.client.hears(by)).text).toMatch(/rate.limited/)
    delete c.relay.faults.rateLimit
    expect(await c.client.stored('b', {})).toHaveLength(3)
  })

  it('drops the link at the message that it is told', async () => {
    await using c = await connected({ dropAfterSent: 2 })
    c.client.says({ kind: 'req', subscription: 's', filters: [{}] })
    await c.client.until(() => c.client.closed !== null)
    expect(c.client.closed?.code).toBe(1006)
    delete c.relay.faults.dropAfterSent
    c.relay.faults.dropAfterReceived = 2
    await using again = await TestClient.connect(c.relay.url)
    expect(await again.stored('s', {})).toHaveLength(3)
    again.says({ kind: 'close', subscription: 's' })
    await again.until(() => again.closed !== null)
  })

  it('sends frames that are too large', async () => {
    await using c = await connected({ oversizedFrame: 100_000 })
    c.client.says({ kind: 'req', subscription: 's', filters: [{}] })
    await c.client.hears('notice')
    expect(c.client.texts[0]?.length).toBeGreaterThan(100_000)
  })

  it('R99, R100: refuses negentropy in each of its ways', async () => {
    await using c = await connected({ negentropy: 'notice' })
    const open = { kind: 'neg-open', subscription: 'n', filter: {}, message: '6100000200' } as const
    c.client.says(open)
    expect(refusesNegentropy((await c.client.hears('notice')).text)).toBe(true)
    c.relay.faults.negentropy = 'closed'
    c.client.says(open)
    await c.client.hears('closed')
    c.relay.faults.negentropy = 'too-large'
    c.client.says(open)
    expect(await c.client.hears('neg-err')).toMatchObject({ max: 10 })
    c.relay.faults.negentropy = 'silent'
    c.client.says(open)
    await c.client.stored('s', {})
    expect(c.client.heard.some(({ kind }) => kind === 'neg-msg')).toBe(false)
  })

  it('R92: demands AUTH', async () => {
    await using c = await connected({ authRequired: true })
    const { challenge } = await c.client.hears('auth')
    c.client.says({ kind: 'req', subscription: 's', filters: [{}] })
    await c.client.hears('closed')
    c.client.says({ kind: 'auth', event: alice.signs({ kind: 22242, tags: [['challenge', challenge]] }) })
    await c.client.hears('ok')
    expect(await c.client.stored('s', {})).toHaveLength(3)
  })

  it.each(strfryLogs)('plays strfry: $name', async ({ log }) => {
    await using c = await connected({}, { transcript: log })
    const texts = (dir: string): string[] =>
      log.flatMap((line) => (line.dir === dir && line.msg !== undefined ? [line.msg] : []))
    c.client.says(...texts('client>relay'))
    const expected = texts('relay>client')
    await c.client.until(() => c.client.texts.length >= expected.length)
    expect(c.client.texts).toEqual(expected)
  })

  it('says when a conversation goes on otherwise than it did', async () => {
    await using c = await connected({}, { transcript: [{ dir: 'client>relay', msg: '["REQ","s",{}]' }] })
    c.client.says({ kind: 'close', subscription: 's' })
    expect((await c.client.hears('notice')).text).toContain('does not go on with ["CLOSE","s"]')
  })
})
