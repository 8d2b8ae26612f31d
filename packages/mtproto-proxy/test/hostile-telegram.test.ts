import { FaultyLink, RecordingSink, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { ClientPort } from '../src/client/client-port.js'
import { TunnelStage } from '../src/client/tunnel-stage.js'
import { proxySettings } from '../src/config/to-settings.js'
import { noMetrics } from '../src/metrics/no-metrics.js'
import { ObfuscatedStream } from '../src/wire/obfuscated-stream.js'
import { openHeader } from '../src/wire/obfuscated2.js'
import { ServerCodec } from '../src/wire/server-codec.js'
import { configOf, numbered, RunningProxy } from './support/running-proxy.js'
import { ScriptedTelegram } from './support/scripted-telegram.js'
import { fakeTls, obfuscated2 } from './vectors/client-vectors.js'
import { hex } from './vectors/vectors.js'

describe('5.5 a middle proxy that takes nothing', () => {
  const deaf = () => {
    const telegram = ScriptedTelegram.ready({ minConnections: 1 })
    const peer = telegram.peer(0)
    const client = telegram.client()
    client.send('hello')
    telegram.pump()
    peer.plan.holdWrites = true
    peer.plan.highWater = 1000
    return { telegram, peer, client }
  }

  it('and pings without end has few answers waiting, and is answered again later', () => {
    const { telegram, peer } = deaf()
    for (let id = 1n; id <= 20_000n; id += 1n) peer.ping(id)
    expect(peer.link.unflushed).toBeLessThan(1100)
    peer.plan.holdWrites = false
    peer.link.flush()
    peer.ping(77n)
    telegram.pump()
    expect(peer.heard.at(-1)).toEqual({ kind: 'pong', id: 77n })
  })

  it('and answers clients that there are not, without end, is told of few of them', () => {
    const { telegram, peer, client } = deaf()
    for (let id = 1n; id <= 20_000n; id += 1n) peer.answer(1_000_000n + id, 'who?')
    expect(peer.link.unflushed).toBeLessThan(1100)
    peer.plan.holdWrites = false
    peer.link.flush()
    client.close()
    telegram.pump()
    expect(peer.closed.at(-1)).toBeLessThan(2n ** 48n)
  })
})

/** A client in its tunnel, on a link that takes nothing from now on. */
function slowClient() {
  const env = testEnv()
  const settings = proxySettings(configOf({ config: { upstream_healthchecks: { qlen: 10 } } }))
  const [listener] = settings.listeners
  const opened = openHeader(hex(obfuscated2.cases[2]?.wire ?? ''), [{ name: 'it', key: hex(fakeTls.secret) }])
  if (listener === undefined || opened === null) throw new Error('the recorded header does not open')
  const port = new ClientPort(
    {
      env,
      metrics: noMetrics,
      randomBytes: (size: number) => new Uint8Array(size),
    } as unknown as ConstructorParameters<typeof ClientPort>[0],
    listener,
    { settings: settings.client, maxIgnored: () => 0 },
  )
  const ends: string[] = []
  const link = new FaultyLink({ uri: 'client' }, new RecordingSink(), { holdWrites: true, highWater: 100 })
  link.open()
  const connection = { close: (code: string) => ends.push(code), abort: (code: string) => ends.push(code) }
  const stream = new ObfuscatedStream(opened.streams, null)
  const codec = new ServerCodec('padded', stream, (size) => new Uint8Array(size))
  const stage = new TunnelStage(connection, link, port, { codec, admitted: null })
  const tunnel = { send() {}, delivered() {}, close() {} }
  stage.begin(tunnel)
  return { env, stage, link, ends }
}

describe('6.6 a client that takes nothing', () => {
  it('has no more quick acks waiting for it than fit', () => {
    const { stage, link, ends } = slowClient()
    for (let count = 0; count < 10_000; count += 1) stage.quickAck(Buffer.from('01020384', 'hex'))
    expect(link.unflushed).toBeLessThan(110)
    expect(ends).toEqual([])
  })

  it('is judged although nothing more comes for it, since Telegram has been stopped', () => {
    const { env, stage, ends } = slowClient()
    for (let count = 0; count < 40; count += 1) stage.packet(Buffer.alloc(40))
    expect(ends).toEqual([])
    env.clock.advance(4900)
    stage.tick(env.clock.now())
    expect(ends).toEqual([])
    env.clock.advance(200)
    stage.tick(env.clock.now())
    expect(ends).toEqual(['message_queue_len'])
  })
})

describe('14.14 a middle proxy that sends garbage', () => {
  it('again and again, on every new connection, is dialed ever less often, and clients are closed, not kept for ever', async () => {
    await using running = await RunningProxy.start({ config: { migration: { wait_ready_ms: 300 } } })
    const client = running.client()
    await client.ask(numbered(1))
    const { telegram } = running
    const world = { isOver: false }
    const spoiling = (async () => {
      while (!world.isOver) {
        for (const connection of telegram.dc(2).ready) connection.damage('garbage')
        await new Promise(setImmediate)
      }
    })()
    await telegram.until(() => telegram.stats.connections > 6)
    world.isOver = true
    await spoiling
    const next = running.client()
    expect(await next.ask(numbered(2))).toEqual(numbered(2))
    expect(telegram.stats.connections).toBeLessThan(100)
  })
})
