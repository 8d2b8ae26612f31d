import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { toxRelay } from '../src/testing/tox-relay.js'
import { parseToxId } from '../src/tox/crypto/tox-id.js'
import { type BindUdp, bindUdp, ToxPortError } from '../src/tox/udp-socket.js'
import { Air } from './support/air.js'
import { online, realEnv, type TestNode, testNode } from './support/tox-nodes.js'

const identifier = `00${'5e'.repeat(32)}`

/** What is said in conferences, as a node was told. */
const heard = (at: TestNode): string[] =>
  at.conferenceNews.flatMap((news) => (news.kind === 'message' ? [news.text] : []))

/** `to` accepts what `from` invites it to. */
async function invite(from: TestNode, to: TestNode): Promise<void> {
  expect(from.node.conferences.invite(0, to.node.realKey)).toBeNull()
  await to.conferenceTold('invited')
  expect(to.node.conferences.accept(from.node.realKey, identifier)).toBeNull()
  await to.conferenceTold('connected')
}

describe('two nodes over UDP', () => {
  it('12.6 are friends, whoever dials, and say what they are called and what they want', async () => {
    await using a = await testNode('Ada', { profile: { name: 'Ada', statusMessage: 'up', status: 'away' } })
    await using b = await testNode('Bob')
    b.node.befriend(a.node.realKey)
    a.node.befriend(parseToxId(b.node.toxId).realKey, b.place)
    await Promise.all([online(a, b), online(b, a)])
    await b.told('friend', ({ changed }) => changed === 'status')
    expect(b.node.friends.all.get(a.node.realKey)).toEqual({
      realKey: a.node.realKey,
      isOnline: true,
      name: 'Ada',
      statusMessage: 'up',
      status: 'away',
      isTyping: false,
    })
    expect(a.node.friends.say(b.node.realKey, 'hello')).toBeNull()
    expect(b.node.friends.say(a.node.realKey, 'waves', 'action')).toBeNull()
    expect(await b.told('message')).toMatchObject({ from: a.node.realKey, text: 'hello', as: 'chat' })
    expect(await a.told('message')).toMatchObject({ from: b.node.realKey, text: 'waves', as: 'action' })
    b.node.friends.typing(a.node.realKey, true)
    await a.told('friend', ({ changed, friend }) => changed === 'isTyping' && friend.isTyping)
    a.node.rename('Augusta')
    await b.told('friend', ({ friend }) => friend.name === 'Augusta')
    expect(a.node.rename('A'.repeat(129))).toBe('too-long')
    expect(a.node.friends.profile.name).toBe('Augusta')
  })

  it('refuse addresses and keys that can be nobody’s, and dial nobody once they are closed', async () => {
    const somebody = { dhtKey: '22'.repeat(32), address: { host: '127.0.0.1', port: 1 } }
    const nowhere = { host: 'example.org', port: 1 }
    const wrong: readonly [string, Parameters<typeof testNode>[1]][] = [
      ['secretKey', { secretKey: new Uint8Array(3) }],
      ['listen', { listen: { host: '127.0.0.1', port: 70_000 } }],
      ['bootstrap[1].dhtKey', { bootstrap: [somebody, { ...somebody, dhtKey: 'ff'.repeat(32) }] }],
      ['bootstrap[0].address', { bootstrap: [{ ...somebody, address: nowhere }] }],
      ['relays[0].key', { relays: [{ ...nowhere, key: 'zz' }] }],
      ['relays[0]', { relays: [{ host: '', port: 1, key: '22'.repeat(32) }] }],
      ['neighbours[0]', { neighbours: [{ host: '127.0.0.1', port: 0 }] }],
    ]
    for (const [field, options] of wrong)
      await expect(testNode('a', options)).rejects.toMatchObject({ field })
    await using a = await testNode('a')
    const friend = '33'.repeat(32)
    expect(() => a.node.befriend(friend, { ...somebody, address: nowhere })).toThrow(
      'at.address must be an IP',
    )
    expect(() => a.node.bootstrap([{ ...somebody, dhtKey: '' }])).toThrow(
      'nodes[0].dhtKey must be a public key',
    )
    await a.node.close()
    a.node.befriend(friend, somebody)
    expect(a.node.friends.all.size).toBe(0)
  })

  it('12.6 are called by as much of a name as others take, in conferences too', async () => {
    await using a = await testNode('a', { profile: { name: 'ü'.repeat(100) } })
    expect(a.node.friends.profile.name).toBe('ü'.repeat(64))
    expect(Buffer.from(a.node.conferences.machine.name).toString()).toBe('ü'.repeat(64))
  })

  it('12.3 that both dial have one link', async () => {
    await using a = await testNode('a')
    await using b = await testNode('b')
    a.node.befriend(b.node.realKey, b.place)
    b.node.befriend(a.node.realKey, a.place)
    await Promise.all([online(a, b), online(b, a)])
    expect([a.node.links, b.node.links]).toEqual([1, 1])
    a.node.friends.say(b.node.realKey, 'once')
    await b.told('message')
    expect([...a.news, ...b.news].filter(({ kind }) => kind === 'message').length).toBe(1)
    expect(a.news.filter((one) => one.kind === 'friend' && one.changed === 'isOnline').length).toBe(1)
  })

  it('12.7 on a local network find each other without being told a DHT key', async () => {
    await using a = await testNode('a')
    await using b = await testNode('b', { neighbours: [a.place.address] })
    a.node.befriend(b.node.realKey)
    b.node.befriend(a.node.realKey)
    await Promise.all([online(a, b), online(b, a)])
  })

  it('12.7 that are told only to look around find each other, whatever ports are taken', async () => {
    const air = new Air()
    await air.bind({ host: '127.0.0.1', port: 33_450, broadcast: false }, () => undefined)
    await using a = await testNode('a', { lan: true, bindUdp: air.bind })
    await using b = await testNode('b', { lan: true, bindUdp: air.bind })
    a.node.befriend(b.node.realKey)
    b.node.befriend(a.node.realKey)
    await Promise.all([online(a, b), online(b, a)])
    for (const { address } of [a.node, b.node]) {
      expect(address?.port).toBeGreaterThanOrEqual(33_445)
      expect(address?.port).toBeLessThanOrEqual(33_455)
    }
  })

  it('12.7 take any port where all that are called are taken', async () => {
    const air = new Air()
    const nodes = await Promise.all(
      Array.from({ length: 12 }, (_, at) => testNode(`${at}`, { lan: true, bindUdp: air.bind })),
    )
    expect(new Set(nodes.map(({ node }) => node.address?.port)).size).toBe(12)
    await Promise.all(nodes.map(({ node }) => node.close()))
  })

  it('12.5 one that ends says so, and one that starts again under its identity is back at once', async () => {
    await using a = await testNode('a')
    const secretKey = randomBytes(32)
    const first = await testNode('b', { secretKey })
    a.node.befriend(first.node.realKey)
    first.node.befriend(a.node.realKey, a.place)
    await online(a, first)
    await first.node.close()
    await a.told('friend', ({ changed, friend }) => changed === 'isOnline' && !friend.isOnline)
    a.news.length = 0
    await using again = await testNode('b', { secretKey })
    expect(again.node.dhtKey).not.toBe(first.node.dhtKey)
    again.node.befriend(a.node.realKey, a.place)
    await online(a, again)
  })

  it('is told that its friend is busy, rather than losing anything, when it says more than arrives', async () => {
    await using a = await testNode('a')
    await using b = await testNode('b')
    a.node.befriend(b.node.realKey, b.place)
    b.node.befriend(a.node.realKey)
    await online(a, b)
    let said = 0
    while (a.node.friends.say(b.node.realKey, `${said} ${'x'.repeat(1000)}`) === null) said += 1
    expect(a.node.friends.say(b.node.realKey, 'more')).toBe('busy')
    await vi.waitFor(() => expect(a.node.friends.say(b.node.realKey, 'last')).toBeNull(), { timeout: 20_000 })
    await b.told('message', ({ text }) => text === 'last')
    const heardAll = b.news.flatMap((one) => (one.kind === 'message' ? [Number.parseInt(one.text)] : []))
    expect(heardAll.slice(0, -1)).toEqual(Array.from({ length: said }, (_, n) => n))
  })

  it('says why it says nothing', async () => {
    await using a = await testNode('a')
    const stranger = '11'.repeat(32)
    expect(a.node.friends.say(stranger, 'x')).toBe('no-such-friend')
    a.node.befriend(stranger)
    expect(a.node.friends.say(stranger, 'x')).toBe('offline')
    expect(a.node.friends.say(stranger, '')).toBe('empty')
    expect(a.node.friends.say(stranger, 'x'.repeat(1373))).toBe('too-long')
    a.node.unfriend(stranger)
    expect(a.node.friends.all.size).toBe(0)
  })

  it('a port that is taken is named', async () => {
    await using a = await testNode('a')
    const taken = a.place.address
    await expect(testNode('b', { listen: taken })).rejects.toThrow(ToxPortError)
  })
})

describe('three nodes in a conference', () => {
  it('12.4 find each other by DHT keys alone: two that are no friends get a link of their own', async () => {
    await using a = await testNode('a')
    await using b = await testNode('b', { bootstrap: [a.place] })
    await using c = await testNode('c', { bootstrap: [a.place] })
    for (const other of [b, c]) {
      a.node.befriend(other.node.realKey)
      other.node.befriend(a.node.realKey, a.place)
      await online(a, other)
    }
    expect(a.node.conferences.do({ kind: 'create', identifier })).toBeNull()
    await invite(a, b)
    await invite(a, c)
    await vi.waitFor(() => expect([b.node.links, c.node.links]).toEqual([2, 2]), { timeout: 20_000 })
    expect(b.node.friends.all.has(c.node.realKey)).toBe(false)
    await vi.waitFor(
      () => {
        const [connection] = [...(b.node.conferences.machine.conferences.get(0)?.connections ?? [])].filter(
          ({ realKey }) => realKey === c.node.realKey,
        )
        expect(connection?.state).toBe('online')
      },
      { timeout: 5000 },
    )
    expect(c.node.conferences.say(0, 'aye')).toBeNull()
    await Promise.all([a, b].map((at) => at.conferenceTold('message')))
    expect([heard(a), heard(b)]).toEqual([['aye'], ['aye']])
    // The founder goes: the two that are left do not need it.
    await a.node.close()
    await b.conferenceTold('frozen')
    expect(b.node.conferences.say(0, 'still here')).toBeNull()
    await c.conferenceTold('message')
    expect(heard(c)).toContain('still here')
  })

  it('12.5 a member asks another to be its friend', async () => {
    await using a = await testNode('a', { nospam: 0x0badcafe })
    await using b = await testNode('b', { bootstrap: [a.place] })
    await using hub = await testNode('hub', { bootstrap: [a.place] })
    for (const one of [a, b]) {
      one.node.befriend(hub.node.realKey, hub.place)
      hub.node.befriend(one.node.realKey)
      await online(hub, one)
    }
    hub.node.conferences.do({ kind: 'create', identifier })
    await invite(hub, a)
    await invite(hub, b)
    await vi.waitFor(() => expect(b.node.links).toBe(2), { timeout: 20_000 })
    // The link is there before it is known to be online.
    await vi.waitFor(() => expect(b.node.friends.request(a.node.realKey, 1, 'wrong nospam')).toBeNull(), {
      timeout: 20_000,
    })
    expect(b.node.friends.request(a.node.realKey, 0x0badcafe, 'it is b')).toBeNull()
    const request = await a.told('friend-request')
    expect(request).toMatchObject({ from: b.node.realKey, text: 'it is b' })
    a.node.befriend(request.from)
    b.node.befriend(a.node.realKey)
    await Promise.all([online(a, b), online(b, a)])
  })
})

describe('12.8 two nodes that only a relay connects', () => {
  it('are friends, talk, and find each other again when the relay drops them', async () => {
    await using relay = await toxRelay(realEnv('relay'))
    const relays = [relay.info]
    await using a = await testNode('a', { listen: null, relays })
    await using b = await testNode('b', { listen: null, relays })
    a.node.befriend(b.node.realKey, { dhtKey: b.node.dhtKey })
    b.node.befriend(a.node.realKey)
    await Promise.all([online(a, b), online(b, a)])
    a.node.friends.say(b.node.realKey, 'through it')
    expect(await b.told('message')).toMatchObject({ text: 'through it' })
    relay.drop()
    await vi.waitFor(() => expect(relay.clients().length).toBe(2), { timeout: 20_000 })
    a.news.length = 0
    // The link outlives the connections that carried it: what is said now is sent again until it arrives.
    expect(b.node.friends.say(a.node.realKey, 'and again')).toBeNull()
    expect(await a.told('message')).toMatchObject({ text: 'and again' })
    expect(a.news.some((one) => one.kind === 'friend' && one.changed === 'isOnline')).toBe(false)
  })

  it('a relay with another key than it was said to have is refused', async () => {
    await using relay = await toxRelay(realEnv('relay'))
    await using a = await testNode('a', { listen: null, relays: [{ ...relay.info, key: '09'.repeat(32) }] })
    await vi.waitFor(() => expect(relay.clients()).toEqual([]), { timeout: 20_000 })
    expect(a.news).toEqual([])
  })

  it('the relay for tests ends whoever talks junk', async () => {
    await using relay = await toxRelay(realEnv('relay'))
    const socket = connect(relay.info.port, '127.0.0.1')
    socket.write(randomBytes(4096))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(relay.clients()).toEqual([])
  })
})

describe('traffic', () => {
  it('has what was sent, not what could not leave', async () => {
    const tried: number[] = []
    const bind: BindUdp = async (at, receive) => {
      const port = await bindUdp(at, receive)
      const send = (to: { readonly port: number }): boolean => tried.push(to.port) % 2 === 0
      return { address: port.address, send, close: () => port.close() }
    }
    const neighbours = [1, 2, 3, 4].map((port) => ({ host: '127.0.0.1', port }))
    await using a = await testNode('a', { bindUdp: bind, neighbours })
    await using deaf = await testNode('deaf', { listen: null, neighbours })
    expect(tried).toEqual([1, 2, 3, 4])
    expect([a, deaf].map(({ node }) => node.traffic.sent.udp)).toEqual([2, 0])
  })
})

describe('hostile', () => {
  it('ten thousand packets of junk from one place do not keep friends from talking', async () => {
    await using a = await testNode('a')
    await using b = await testNode('b')
    a.node.befriend(b.node.realKey, b.place)
    b.node.befriend(a.node.realKey)
    await online(a, b)
    const socket = createSocket('udp4')
    const kinds = [0x00, 0x01, 0x02, 0x04, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x21, 0x80, 0xf0]
    const lengths = [0, 1, 33, 82, 113, 145, 161, 385, 1400]
    for (let n = 0; n < 10_000; n += 1) {
      const junk = randomBytes(lengths[n % lengths.length] ?? 0)
      if (junk.length > 0) junk[0] = kinds[n % kinds.length] ?? 0
      socket.send(junk, a.place.address.port, '127.0.0.1')
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    b.node.friends.say(a.node.realKey, 'still there?')
    await a.told('message')
    expect(a.node.links).toBe(1)
    await new Promise<void>((resolve) => socket.close(resolve))
  })
})
