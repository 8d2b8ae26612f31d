import { end, systemEnv } from '@holdfast/core'
import { memoryNetwork, RecordingSink, testEnv } from '@holdfast/core/testing'
import {
  type ClientMessage,
  NegentropyInitiator,
  negentropyFromHex,
  negentropyItems,
  negentropyToHex,
  openPolicy,
  readRelayInfo,
  startVerifier,
} from '@holdfast/nostr-sync'
import {
  type EmbeddedRelayOptions,
  embeddedRelay,
  TestAuthor,
  trustingVerifier,
} from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { TestClient } from './support/test-client.js'

const alice = new TestAuthor('alice')
const bob = new TestAuthor('bob')
/** Ten issues, a second apart. */
const issues = Array.from({ length: 10 }, (_, n) =>
  alice.signs({ kind: 1621, created_at: 1_700_000_000 + n, content: `${n}` }),
)
const newestFirst = issues.map(({ id }) => id).toReversed()
const req = (
  subscription: string,
  ...filters: (ClientMessage & { kind: 'req' })['filters']
): ClientMessage => ({
  kind: 'req',
  subscription,
  filters,
})

/** Many events quickly, newest first: nobody here looks at signatures. */
const unsigned = (count: number, content: string) => {
  const event = { ...alice.signs(), content }
  return Array.from({ length: count }, (_, n) => ({
    ...event,
    id: n.toString(16).padStart(64, '0'),
    created_at: event.created_at + count - n,
  }))
}

async function connected(options: EmbeddedRelayOptions = {}) {
  const relay = await embeddedRelay({ verifier: trustingVerifier(), ...options })
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

describe('NIP-01: stored events', () => {
  it('come newest first, then EOSE, as many as the limit says', async () => {
    await using c = await connected({ events: issues })
    expect(await c.client.stored('all', { kinds: [1621] })).toEqual(newestFirst)
    expect(await c.client.stored('three', { kinds: [1621], limit: 3 })).toEqual(newestFirst.slice(0, 3))
    expect(await c.client.stored('old', { kinds: [1621], until: 1_700_000_002 })).toEqual(
      newestFirst.slice(-3),
    )
    expect(await c.client.stored('none', {})).toHaveLength(10)
  })

  it('that match several filters of one REQ come once', async () => {
    await using c = await connected({ events: issues })
    const ids = await c.client.stored('s', { kinds: [1621], limit: 2 }, { authors: [alice.pubkey] })
    expect(ids).toEqual(newestFirst)
  })

  it('R37: limit 0 brings EOSE at once and what comes later', async () => {
    await using c = await connected({ events: issues })
    expect(await c.client.stored('live', { kinds: [1621], limit: 0 })).toEqual([])
    const next = bob.signs({ kind: 1621 })
    await c.relay.publish(next, bob.signs({ kind: 1 }))
    await c.client.until(() => c.client.events('live').length === 1)
    expect(c.client.events('live')).toEqual([next])
  })

  it('R53: no more than the published limits come, with and without a limit of the filter', async () => {
    await using c = await connected({ events: issues, limits: { storedEvents: 4, defaultStoredEvents: 2 } })
    expect(await c.client.stored('a', { limit: 100 })).toEqual(newestFirst.slice(0, 4))
    expect(await c.client.stored('b', {})).toEqual(newestFirst.slice(0, 2))
    expect(c.relay.endpoint.info.limitation).toMatchObject({ maxLimit: 4, defaultLimit: 2 })
  })

  it('in thousands come all, in order, past slow readers and to others meanwhile', async () => {
    const events = unsigned(3000, 'x'.repeat(1000))
    await using c = await connected({ events })
    await using other = await TestClient.connect(c.relay.url)
    c.client.socket.pause()
    c.client.says(req('all', { kinds: [1], limit: 5000 }))
    expect(await other.stored('one', { kinds: [1], limit: 1 })).toEqual([events[0]?.id])
    c.client.socket.resume()
    await c.client.hears('eose')
    expect(c.client.events('all').map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })
})

describe('NIP-01: subscriptions', () => {
  it('hear of events that were saved, whoever sent them, and of no others', async () => {
    await using c = await connected()
    await using other = await TestClient.connect(c.relay.url)
    await other.stored('bugs', { '#t': ['bug'] }, { kinds: [1621] })
    const bug = alice.signs({ tags: [['t', 'bug']] })
    const issue = alice.signs({ kind: 1621 })
    c.client.says(
      { kind: 'event', event: alice.signs({ tags: [['t', 'x']] }) },
      { kind: 'event', event: bug },
      { kind: 'event', event: issue },
    )
    await other.until(() => other.events('bugs').length === 2)
    expect(other.events('bugs')).toEqual([bug, issue])
  })

  it('lose nothing that is saved between the request and EOSE', async () => {
    await using c = await connected({ events: issues })
    c.client.says(req('all', { kinds: [1621] }))
    const next = alice.signs({ kind: 1621, created_at: 5 })
    await c.relay.publish(next)
    await c.client.until(() => c.client.events('all').length >= 11)
    expect(c.client.events('all').map(({ id }) => id)).toContain(next.id)
  })

  it('are ended by CLOSE, and replaced by a REQ of the same id', async () => {
    await using c = await connected()
    await c.client.stored('a', { kinds: [1] })
    await c.client.stored('b', { kinds: [1] })
    c.client.says(req('a', { kinds: [2] }), { kind: 'close', subscription: 'b' }, req('c', { kinds: [1] }))
    await c.client.hears('eose', ({ subscription }) => subscription === 'c')
    expect(c.relay.endpoint.stats.subscriptions).toBe(2)
    await c.relay.publish(alice.signs({ kind: 1 }), alice.signs({ kind: 2 }))
    await c.client.until(() => c.client.events('c').length === 1 && c.client.events('a').length === 1)
    expect(c.client.events('a')[0]?.kind).toBe(2)
    expect(c.client.events('b')).toEqual([])
  })

  it('R85: beyond the limit are refused by CLOSED, and the others live on', async () => {
    await using c = await connected({ limits: { subscriptions: 2 } })
    for (const id of ['a', 'b']) await c.client.stored(id, { kinds: [1] })
    c.client.says(req('c', { kinds: [1] }))
    expect(await c.client.hears('closed')).toMatchObject({
      subscription: 'c',
      text: expect.stringMatching(/^rate-limited: /) as string,
    })
    expect(await c.client.stored('b', { kinds: [1] })).toEqual([])
    expect(c.relay.endpoint.info.limitation.maxSubscriptions).toBe(2)
  })

  it('are gone with their client', async () => {
    await using c = await connected()
    await c.client.stored('a', { kinds: [1] })
    c.client.socket.terminate()
    await expect.poll(() => c.relay.endpoint.stats.subscriptions).toBe(0)
    expect(c.relay.endpoint.state.links).toBe(0)
  })
})

describe('NIP-01: EVENT', () => {
  it('is answered by OK with what became of it', async () => {
    const env = systemEnv()
    await using verifier = await startVerifier({ env, workers: 1 })
    await using c = await connected({ verifier })
    const event = alice.announces('project', { created_at: 2 })
    const older = alice.announces('project', { created_at: 1 })
    const forged = { ...bob.signs(), sig: alice.signs().sig }
    const altered = { ...bob.signs({ kind: 2 }), content: 'x' }
    const ephemeral = bob.signs({ kind: 20_001 })
    const late = bob.signs({ created_at: Math.floor(Date.now() / 1000) + 2000 })
    const locked = bob.signs({ tags: [['-']] })
    const answers = new Map<string, string>()
    for (const one of [event, event, older, forged, altered, ephemeral, late, locked]) {
      const heard = c.client.heard.length
      c.client.says({ kind: 'event', event: one })
      await c.client.until(() => c.client.heard.length > heard)
    }
    for (const message of c.client.heard)
      if (message.kind === 'ok')
        answers.set(`${message.id} ${answers.size}`, `${message.accepted} ${message.text}`)
    expect([...answers.values()]).toEqual([
      'true ',
      'true duplicate: have this event',
      'false duplicate: replaced by a newer event, or deleted by its author',
      'false invalid: the signature is not the author’s',
      'false invalid: the id is not that of the content',
      'false blocked: kind 20001 is never stored',
      'false invalid: created_at is too far in the future',
      'false blocked: the author protects the event',
    ])
  })

  it.each([
    ['not json', 'notice', 'invalid: not a message'],
    ['[]', 'notice', 'invalid: not a message'],
    ['["NOPE","x"]', 'notice', 'unsupported: unknown verb'],
    ['["REQ","s"]', 'closed', 'invalid: no filter'],
    ['["REQ","s",{"ids":["abcd"]}]', 'closed', 'invalid: ids must be a list of 64 lower-case hex digits'],
    ['["COUNT","s",{"foo":1}]', 'closed', 'invalid: unknown filter member foo'],
    ['["NEG-OPEN","s",{"foo":1},"61"]', 'neg-err', 'error: unknown filter member foo'],
  ] as const)('R32: %s is answered by %s and ends nothing', async (text, kind, answer) => {
    await using c = await connected()
    c.client.says(text)
    expect(await c.client.hears(kind)).toMatchObject({ text: answer })
    expect(await c.client.stored('still here', {})).toEqual([])
  })

  it.each([
    ['["EVENT","str"]', 'an event must be an object'],
    ['["AUTH",{}]', 'id must be 64 lower-case hex digits'],
  ])('R91: %s is answered by an OK that names no event', async (text, why) => {
    await using c = await connected()
    c.client.says(text)
    await c.client.stored('still here', {})
    expect(c.client.texts[0]).toBe(JSON.stringify(['OK', '?', false, `invalid: ${why}`]))
  })
})

describe('NIP-45: COUNT', () => {
  it('counts what matches any filter, once, whatever the limit', async () => {
    await using c = await connected({ events: issues })
    c.client.says({
      kind: 'count',
      subscription: 'n',
      filters: [{ kinds: [1621], limit: 1 }, { since: 1_700_000_005 }],
    })
    expect(await c.client.hears('count')).toMatchObject({ count: 10, approximate: false })
  })

  it('says that it is approximate at its limit', async () => {
    await using c = await connected({ events: issues, limits: { count: 4 } })
    c.client.says({ kind: 'count', subscription: 'n', filters: [{}] })
    expect(await c.client.hears('count')).toMatchObject({ count: 4, approximate: true })
  })
})

describe('NIP-77: reconciliation', () => {
  const pairs = (events: typeof issues) => events.map(({ created_at, id }) => [created_at, id] as const)

  it('R97, R102: what was replaced is not offered, for it cannot be given', async () => {
    const older = alice.announces('repo', { created_at: 1 })
    const newer = alice.announces('repo', { created_at: 2 })
    await using c = await connected({ events: [older, newer] })
    const initiator = new NegentropyInitiator(negentropyItems([]))
    const message = negentropyToHex(initiator.initiate())
    c.client.says({ kind: 'neg-open', subscription: 'n', filter: { kinds: [30617] }, message })
    initiator.reconcile(negentropyFromHex((await c.client.hears('neg-msg')).message))
    expect([...initiator.need.hex()]).toEqual([newer.id])
  })

  it('tells a client what it lacks and what we lack', async () => {
    const ours = alice.signs({ kind: 1621, content: 'only theirs' })
    await using c = await connected({ events: issues, limits: { negentropyFrameBytes: 4096 } })
    const initiator = new NegentropyInitiator(negentropyItems(pairs([...issues.slice(0, 8), ours])))
    let message: Uint8Array | null = initiator.initiate()
    c.client.says({
      kind: 'neg-open',
      subscription: 'n',
      filter: { kinds: [1621] },
      message: negentropyToHex(message),
    })
    for (let round = 1; message !== null; round++) {
      await c.client.until(() => c.client.heard.length === round)
      const answer = c.client.heard.at(-1)
      if (answer?.kind !== 'neg-msg') throw new Error(JSON.stringify(answer))
      message = initiator.reconcile(negentropyFromHex(answer.message))
      if (message !== null)
        c.client.says({ kind: 'neg-msg', subscription: 'n', message: negentropyToHex(message) })
    }
    expect([...initiator.need.hex()].toSorted()).toEqual(newestFirst.slice(0, 2).toSorted())
    expect([...initiator.have.hex()]).toEqual([ours.id])
    expect(c.relay.endpoint.stats).toMatchObject({ negentropySessions: 1, negentropyItems: 10 })
    c.client.says({ kind: 'neg-close', subscription: 'n' })
    await c.client.stored('x', {})
    expect(c.relay.endpoint.stats).toMatchObject({ negentropySessions: 0, negentropyItems: 0 })
  })

  it('R100: refuses a set that is too large, and says how much is not', async () => {
    await using c = await connected({ events: issues, limits: { negentropyItems: 5 } })
    c.client.says({ kind: 'neg-open', subscription: 'n', filter: {}, message: '6100000200' })
    expect(await c.client.hears('neg-err')).toMatchObject({ text: 'blocked: too many query results', max: 5 })
    c.client.says({
      kind: 'neg-open',
      subscription: 'm',
      filter: { until: 1_700_000_003 },
      message: '6100000200',
    })
    expect(await c.client.hears('neg-msg')).toMatchObject({ subscription: 'm' })
  })

  it('R99: answers another version of the protocol with its own', async () => {
    await using c = await connected()
    c.client.says({ kind: 'neg-open', subscription: 'n', filter: {}, message: '62aabb' })
    expect(await c.client.hears('neg-msg')).toMatchObject({ message: '61' })
  })

  it('R96: takes a list of one filter for the filter', async () => {
    await using c = await connected({ events: issues })
    c.client.says('["NEG-OPEN","n",[{"kinds":[1]}],"6100000200"]')
    await c.client.hears('neg-msg')
    expect(c.relay.endpoint.stats.negentropyItems).toBe(0)
  })

  it.each([
    ['["NEG-MSG","n","61"]', 'closed: unknown subscription handle'],
    ['["NEG-OPEN","n",{},"zz"]', 'error: negentropy: the message is not in hex'],
    ['["NEG-OPEN","n",{},"61ff"]', /^error: negentropy: /],
    ['["NEG-OPEN","n",{}]', 'error: no message'],
    ['["NEG-OPEN","n",[{},{}],"6100000200"]', 'error: more than one filter'],
  ])('R100: %s ends that reconciliation', async (text, answer) => {
    await using c = await connected()
    c.client.says(text)
    const matching: unknown = typeof answer === 'string' ? answer : expect.stringMatching(answer)
    expect(await c.client.hears('neg-err')).toMatchObject({ text: matching })
    expect(c.relay.endpoint.stats.negentropySessions).toBe(0)
  })

  it('is bounded in sessions of one client and in items of all', async () => {
    await using c = await connected({
      events: issues,
      limits: { negentropySessions: 2, negentropyItemsOfAll: 15 },
    })
    for (const subscription of ['a', 'b', 'c'])
      c.client.says({ kind: 'neg-open', subscription, filter: {}, message: '6100000200' })
    expect(await c.client.hears('neg-err', ({ subscription }) => subscription === 'c')).toMatchObject({
      text: expect.stringContaining('too many reconciliations at once') as string,
    })
    expect(await c.client.hears('neg-err', ({ subscription }) => subscription === 'b')).toMatchObject({
      text: expect.stringMatching(/^closed: /) as string,
    })
    c.client.socket.terminate()
    await expect.poll(() => c.relay.endpoint.stats.negentropyItems).toBe(0)
  })
})

describe('NIP-42: AUTH', () => {
  const url = 'wss://grasp.example'
  const now = (): number => Math.floor(Date.now() / 1000)
  const signed = (challenge: string, more: { relay?: string; created_at?: number; kind?: number } = {}) =>
    alice.signs({
      kind: more.kind ?? 22242,
      created_at: more.created_at ?? now(),
      tags: [
        ['relay', more.relay ?? `${url}/`],
        ['challenge', challenge],
      ],
    })

  it('R92: where it is required nobody is served before', async () => {
    await using verifier = await startVerifier({ env: systemEnv(), workers: 1 })
    await using c = await connected({ verifier, auth: { url, required: true, verifier } })
    expect(c.relay.endpoint.info.limitation.authRequired).toBe(true)
    const { challenge } = await c.client.hears('auth')
    const event = alice.signs()
    c.client.says(
      req('s', {}),
      { kind: 'event', event },
      { kind: 'neg-open', subscription: 'n', filter: {}, message: '61' },
    )
    const authRequired = expect.stringMatching(/^auth-required: /) as string
    expect(await c.client.hears('closed')).toMatchObject({ subscription: 's', text: authRequired })
    expect(await c.client.hears('ok')).toMatchObject({ accepted: false, text: authRequired })
    expect(await c.client.hears('neg-err')).toMatchObject({ text: authRequired })
    const auth = signed(challenge)
    c.client.says({ kind: 'auth', event: auth })
    expect(await c.client.hears('ok', ({ id }) => id === auth.id)).toMatchObject({ accepted: true })
    expect(await c.client.stored('s', {})).toEqual([])
  })

  it('R92: wrong answers are refused, each with its reason', async () => {
    await using verifier = await startVerifier({ env: systemEnv(), workers: 1 })
    const allows = (pubkey: string): boolean => pubkey === bob.pubkey
    await using c = await connected({ auth: { url, required: true, verifier, allows } })
    const { challenge } = await c.client.hears('auth')
    const cases = [
      [signed('another'), 'invalid: another challenge'],
      [signed(challenge, { relay: 'wss://grasp.example.evil.org' }), 'invalid: another relay'],
      [signed(challenge, { created_at: now() - 700 }), 'invalid: created_at is too far from now'],
      [signed(challenge, { kind: 1 }), 'invalid: not of kind 22242'],
      [
        { ...signed(challenge, { created_at: now() - 1 }), sig: alice.signs().sig },
        'invalid: the signature is not the author’s',
      ],
      [signed(challenge, { created_at: now() - 2 }), 'restricted: you are not on the list'],
    ] as const
    for (const [event, text] of cases) {
      c.client.says({ kind: 'auth', event })
      expect(await c.client.hears('ok', ({ id }) => id === event.id)).toMatchObject({ accepted: false, text })
    }
    c.client.says(req('s', {}))
    await c.client.hears('closed')
  })
})

describe('NIP-11', () => {
  it('R94: the document says limits, NIPs and grasps, to pages of every origin', async () => {
    await using c = await connected({ info: { name: 'ours', supportedGrasps: ['GRASP-02'] } })
    const http = c.relay.url.replace('ws:', 'http:')
    const answer = await fetch(http, { headers: { Accept: 'application/nostr+json' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(readRelayInfo(await answer.text())).toEqual(c.relay.endpoint.info)
    expect(c.relay.endpoint.info).toMatchObject({
      name: 'ours',
      supportedNips: [1, 9, 11, 45, 77],
      supportedGrasps: ['GRASP-02'],
    })
    expect((await fetch(http)).status).toBe(426)
    expect((await fetch(http, { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch(http, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405)
  })
})

describe('an endpoint that goes', () => {
  it('R33: answers what is being stored, closes subscriptions by CLOSED, then links by 1001', async () => {
    let admit: () => void = () => undefined
    const isAdmitted = new Promise<void>((resolve) => (admit = resolve))
    await using c = await connected()
    const put = c.relay.store.put.bind(c.relay.store)
    c.relay.store.put = async (events) => {
      await isAdmitted
      return put(events)
    }
    const event = alice.signs()
    c.client.says(
      req('s', {}),
      { kind: 'neg-open', subscription: 'n', filter: {}, message: '6100000200' },
      { kind: 'event', event },
    )
    await c.client.hears('neg-msg')
    await expect.poll(() => c.relay.intake.pending).toBe(1)
    const drained = c.relay.endpoint.drain({ within: 5000 })
    expect(await c.client.hears('closed')).toMatchObject({
      subscription: 's',
      text: 'error: the relay is shutting down',
    })
    expect(await c.client.hears('neg-err')).toMatchObject({
      text: expect.stringMatching(/^closed: /) as string,
    })
    c.client.says(req('t', {}))
    await c.client.hears('closed', ({ subscription }) => subscription === 't')
    expect(c.client.closed).toBe(null)
    admit()
    expect(await drained).toMatchObject({ finished: 1, cut: [], timedOut: false })
    await c.client.until(() => c.client.closed !== null)
    expect(await c.client.hears('ok')).toMatchObject({ id: event.id, accepted: true })
    expect(c.client.closed?.code).toBe(1001)
    await expect(TestClient.connect(c.relay.url)).rejects.toThrow()
  })
})

describe('hostile clients', () => {
  it('that do not read are read no more', async () => {
    await using c = await connected({ events: unsigned(20, 'x'.repeat(20_000)) })
    c.client.socket.pause()
    for (let n = 0; n < 60; n++) c.client.says(req(`${n}`, {}))
    // Whoever comes later is served: by then the first one would have been.
    await using other = await TestClient.connect(c.relay.url)
    for (let n = 0; n < 20; n++) await other.stored(`${n}`, { limit: 0 })
    const { sent } = c.relay.endpoint.stats
    expect(sent.get('event') ?? 0).toBeLessThan(500)
    c.client.socket.resume()
    await c.client.until(() => c.client.heard.length === 1260)
  })

  it('that neither read nor speak are given up', async () => {
    const env = testEnv()
    const network = memoryNetwork(env.clock, { framing: 'messages' })
    const events = unsigned(20, 'x'.repeat(10_000))
    const at = { uri: 'memory:relay' }
    await using relay = await embeddedRelay({
      env,
      acceptor: network,
      at,
      events,
      verifier: trustingVerifier(),
    })
    const sinks = [new RecordingSink(), new RecordingSink()] as const
    const [reads, doesNot] = sinks.map((sink) => network.dial(at, sink))
    env.clock.advance(1)
    doesNot?.pause()
    for (const link of [reads, doesNot]) link?.write(JSON.stringify(['REQ', 's', {}]))
    env.clock.advance(80_000)
    expect(sinks[0].received).toHaveLength(21)
    expect(relay.endpoint.state.links).toBe(1)
    expect(sinks[0].end).toBe(null)
    relay.endpoint.close()
  })

  it('that send more than a message may have are cut off, and nobody else', async () => {
    await using c = await connected({ limits: { messageBytes: 1000 } })
    await using other = await TestClient.connect(c.relay.url)
    c.client.says(JSON.stringify(['REQ', 'x'.repeat(2000)]))
    await c.client.until(() => c.client.closed !== null)
    expect(c.client.closed?.code).toBe(1009)
    expect(await other.stored('s', {})).toEqual([])
  })

  it('beyond the number of clients are refused', async () => {
    await using c = await connected({ limits: { clients: 1 } })
    await expect(TestClient.connect(c.relay.url)).rejects.toThrow()
    c.relay.endpoint.close(end('closed-by-us'))
  })

  it('that read too slowly lose the subscription, not the relay its memory', async () => {
    await using c = await connected({ policy: openPolicy() })
    await c.client.stored('live', { kinds: [1] })
    c.client.socket.pause()
    for (const event of unsigned(400, 'x'.repeat(120_000))) await c.relay.publish(event)
    c.client.socket.resume()
    expect(await c.client.hears('closed')).toMatchObject({
      subscription: 'live',
      text: expect.stringMatching(/^error: read too slowly/) as string,
    })
    expect(c.relay.endpoint.stats.slowSubscriptions).toBe(1)
    await c.relay.store.close()
  })

  it.each([{ limits: { clients: 0 } }, { limits: { negentropyFrameBytes: 100 } }])(
    '%o is refused',
    async (options) => {
      await expect(embeddedRelay({ ...options, verifier: trustingVerifier() })).rejects.toMatchObject({
        field: `limits.${Object.keys(options.limits)[0]}`,
      })
    },
  )
})
