import { nodeEnv, tcp } from '@holdfast/core/node'
import { AppendLog, memorySource, type ReplicationRelay, replicationRelay } from '@holdfast/tcp-replication'
import { scriptedServer } from '@holdfast/tcp-replication/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { UserSyncs } from '../src/relay/user-syncs.js'
import { listenOn, quickly, RealFollower } from './support/real.js'

const streams = ['events', 'typing', 'account_data']

async function relayOf(upstream: () => string, log: AppendLog): Promise<ReplicationRelay> {
  const env = nodeEnv({ name: 'relay' })
  return replicationRelay({
    upstream: { env, dialer: tcp(), endpoints: () => ({ uri: upstream() }), name: 'relay', backoff: quickly },
    downstream: { acceptor: tcp(), at: { uri: 'tcp://127.0.0.1:0' } },
    log,
    from: 0,
  })
}

describe('a relay', () => {
  it('brings the rows of one upstream connection to clients that resume each on their own', async () => {
    const source = memorySource({ streams })
    for (let token = 1; token <= 50; token += 1) source.append('events', [[token], ['x']], token)
    await using upstream = await listenOn(source)
    await using folder = await temporaryFolder()
    await using log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(() => upstream.endpoint.uri, log)
    await using first = new RealFollower(() => relay.server.endpoint.uri, streams)
    await first.client.start()
    await first.until(() => first.tokens('events').includes(50))
    source.append('events', [['live']], 51)
    source.append('typing', [['t']], 1)
    await first.until(() => first.tokens('events').includes(51) && first.tokens('typing').includes(1))
    expect(first.tokens('events')).toEqual(Array.from({ length: 51 }, (_, index) => index + 1))
    expect(first.batches[0]?.texts).toEqual(['[1]', '["x"]'])
    await using second = new RealFollower(() => relay.server.endpoint.uri, streams)
    await second.client.start()
    await second.until(() => second.client.state.phase === 'ready')
    expect(second.tokens('events')).toEqual(first.tokens('events'))
    expect(upstream.state.links).toBe(1)
  })

  it('goes on from its own log after it was restarted, and tells the same server name', async () => {
    const source = memorySource({ streams })
    source.append('events', [['a']])
    await using upstream = await listenOn(source)
    await using folder = await temporaryFolder()
    const before = await AppendLog.open({ path: folder.path, streams })
    const firstRelay = await relayOf(() => upstream.endpoint.uri, before)
    await firstRelay.client.whenReady()
    await firstRelay.drain({ within: 1000 })
    await firstRelay[Symbol.asyncDispose]()
    await before.close()
    source.append('events', [['b']])
    await using log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(() => upstream.endpoint.uri, log)
    await using follower = new RealFollower(() => relay.server.endpoint.uri, streams)
    await follower.client.start()
    await follower.until(() => follower.tokens('events').includes(2))
    expect(follower.tokens('events')).toEqual([1, 2])
    expect(follower.client.serverName).toBe('test.example')
  })

  it('H9.3.5: passes on that a stream starts over, and the rows that come then', async () => {
    const source = memorySource({ streams })
    source.append('typing', [['a']], 7)
    await using upstream = await listenOn(source)
    await using folder = await temporaryFolder()
    await using log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(() => upstream.endpoint.uri, log)
    await using follower = new RealFollower(() => relay.server.endpoint.uri, ['typing'])
    await follower.client.start()
    await follower.until(() => follower.client.state.phase === 'ready')
    source.reset('typing', 1)
    await follower.until(() => follower.resets.length > 0)
    source.append('typing', [['b']], 2)
    await follower.until(() => follower.tokens('typing').includes(2))
    expect(follower.resets).toEqual(['typing went-backwards 1'])
    expect(log.head('typing')).toBe(2)
  })

  it('9.1: brings on rows of an unordered stream whose tokens go down, in the order of their tokens', async () => {
    await using upstream = await scriptedServer(tcp(), { uri: 'tcp://127.0.0.1:0' }, (relay) => {
      relay.says('SERVER test.example', 'PING 1', ...streams.map((stream) => `POSITION ${stream} 0`))
      relay.says('RDATA account_data 4 ["@a:x",null,"t","{}"]', 'RDATA account_data 3 ["@a:x","!r","t","{}"]')
    })
    await using folder = await temporaryFolder()
    await using log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(() => upstream.endpoint.uri, log)
    await using follower = new RealFollower(() => relay.server.endpoint.uri, ['account_data'])
    await follower.client.start()
    await follower.until(() => follower.tokens('account_data').includes(4))
    expect(follower.batches.map(({ token, texts }) => [token, ...texts])).toEqual([
      [3, '["@a:x","!r","t","{}"]'],
      [4, '["@a:x",null,"t","{}"]'],
    ])
  })

  it('passes on what clients say, and who is syncing while any of them says so', async () => {
    const heard: string[] = []
    const source = memorySource({ streams })
    let told = (): void => undefined
    await using upstream = await listenOn(source, {
      upstream: {
        userSync: ({ user, state }) => {
          heard.push(`${user} ${state}`)
          told()
        },
        removePusher: ({ appId }) => {
          heard.push(`pusher ${appId}`)
          told()
        },
      },
    })
    const until = (wanted: string): Promise<void> =>
      new Promise((resolve) => {
        told = () => {
          if (heard.includes(wanted)) resolve()
        }
        told()
      })
    await using folder = await temporaryFolder()
    await using log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(() => upstream.endpoint.uri, log)
    const a = new RealFollower(() => relay.server.endpoint.uri, ['typing'])
    await using b = new RealFollower(() => relay.server.endpoint.uri, ['typing'])
    for (const { client } of [a, b]) {
      await client.start()
      await client.whenReady()
      client.userSync('@u:x', 'start', 1)
    }
    a.client.removePusher('app', 'key', '@u:x')
    await until('pusher app')
    await a[Symbol.asyncDispose]()
    b.client.removePusher('app2', 'key', '@u:x')
    await until('pusher app2')
    b.client.userSync('@u:x', 'end', 2)
    await until('@u:x end')
    expect(heard.filter((line) => line.startsWith('@u:x'))).toEqual(['@u:x start', '@u:x end'])
  })
})

describe('who is syncing behind a relay', () => {
  it('counts a user as gone with the last client that names him', () => {
    const syncs = new UserSyncs()
    expect(syncs.start('@u:x', 'a')).toEqual({ isFirst: true, forgotten: [] })
    expect(syncs.start('@u:x', 'a')).toEqual({ isFirst: false, forgotten: [] })
    expect(syncs.start('@u:x', 'b')).toEqual({ isFirst: false, forgotten: [] })
    expect(syncs.end('@u:x', 'a')).toBe(false)
    expect(syncs.end('@u:x', 'a')).toBe(false)
    expect(syncs.clear('b')).toEqual(['@u:x'])
    expect(syncs.clear('b')).toEqual([])
  })

  it('I25: is bounded, and forgets first whom the client named that was heard from longest ago', () => {
    // Room for three.
    const syncs = new UserSyncs(3 * 133)
    syncs.start('@u:1', 'a')
    syncs.start('@u:2', 'b')
    syncs.start('@u:3', 'b')
    syncs.end('@u:9', 'a')
    expect(syncs.start('@u:4', 'c')).toEqual({ isFirst: true, forgotten: ['@u:2'] })
    expect(syncs.start('@u:3', 'c')).toEqual({ isFirst: false, forgotten: [] })
    expect(syncs.clear('b')).toEqual([])
    expect(syncs.clear('c')).toEqual(['@u:4', '@u:3'])
    expect(syncs.clear('a')).toEqual(['@u:1'])
    for (const user of ['@u:5', '@u:6', '@u:7']) syncs.start(user, 'a')
    expect(syncs.start('@u:8', 'a').forgotten).toEqual(['@u:5'])
  })
})
