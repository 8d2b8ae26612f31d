/** Heap that one connection takes beside its socket. */
import { setTimeout as sleep } from 'node:timers/promises'
import { admission, type Env, type LinkSink, lifecycle, pool, roster, systemEnv } from '@holdfast/core'
import PartySocket from 'partysocket/ws'
import { defer, retry, timer } from 'rxjs'
import { webSocket } from 'rxjs/webSocket'
import type { Benchmark } from '../../../bench/benchmark.js'
import { FakeSocket, fakeWebSocket } from './fake-socket.js'
import { ReconnectingWebSocket } from './reconnecting-websocket.js'
import { StubDialer, StubLink } from './stub-link.js'

const count = 10_000
/** Longer than the measurement. */
const long = 1_000_000
const collect = globalThis.gc ?? (() => undefined)

/** Bytes of heap for each of `count` things, once all has settled. */
async function heapEach(make: (index: number) => unknown): Promise<number> {
  const before = async (): Promise<number> => {
    await sleep(100)
    collect()
    collect()
    return process.memoryUsage().heapUsed
  }
  // What is made once, such as compiled code, is made now.
  const kept: unknown[] = Array.from({ length: 500 }, (_, index) => make(index))
  await before()
  kept.length = 0
  kept.length = count
  const empty = await before()
  for (let index = 0; index < count; index += 1) kept[index] = make(index)
  const full = await before()
  return kept.length === count ? (full - empty) / count : NaN
}

const silentSink: LinkSink = { opened() {}, data() {}, writable() {}, ended() {} }
const protocol = { data(_chunk: Uint8Array): void {} }

function makeLifecycle(env: Env, dialer: StubDialer, index: number, start = true): unknown {
  const made = lifecycle({
    env,
    dialer,
    endpoints: [{ uri: `tcp:10.0.0.1:${index}` }],
    stableAfter: 1,
    backoff: () => long,
    protocol: (scope) => {
      scope.ready()
      return protocol
    },
  })
  if (start) made.start()
  return made
}

async function ofLifecycles(): Promise<Record<string, number>> {
  const clock = systemEnv().clock
  const env = systemEnv({ clock, admission: admission({ clock, atOnce: 2 * count, perSecond: 1e9 }) })
  const opening = new StubDialer()
  const refusing = new StubDialer(false)
  const links = await heapEach((index) => new StubLink({ uri: `tcp:10.0.0.1:${index}` }, silentSink))
  const endpoints = await heapEach((index) => ({ uri: `tcp:10.0.0.1:${index}` }))
  return {
    idle: await heapEach((index) => makeLifecycle(env, opening, index, false)),
    ready: (await heapEach((index) => makeLifecycle(env, opening, index))) - (links - endpoints),
    waiting: await heapEach((index) => makeLifecycle(env, refusing, index)),
  }
}

type Make = (url: string, start: boolean) => unknown

async function ofSockets(make: Make): Promise<Record<string, number>> {
  const url = (index: number): string => `ws://10.0.0.1:${index}`
  const sockets = await heapEach((index) => new FakeSocket(url(index)))
  const urls = await heapEach(url)
  const idle = await heapEach((index) => make(url(index), false))
  const ready = (await heapEach((index) => make(url(index), true))) - (sockets - urls)
  FakeSocket.next = 'close'
  return { idle, ready, waiting: await heapEach((index) => make(url(index), true)) }
}

const settings = {
  WebSocket: fakeWebSocket,
  minUptime: 1,
  minReconnectionDelay: long,
  maxReconnectionDelay: long,
}

const makePartySocket: Make = (url, start) => new PartySocket(url, [], { ...settings, startClosed: !start })

const makeReconnectingWebSocket: Make = (url, start) =>
  new ReconnectingWebSocket(url, [], { ...settings, startClosed: !start })

const makePipeline: Make = (url, start) => {
  const pipeline$ = defer(() => webSocket<string>({ url, WebSocketCtor: fakeWebSocket })).pipe(
    retry({ delay: () => timer(long), resetOnSuccess: true }),
  )
  return start ? pipeline$.subscribe(() => undefined) : pipeline$
}

/** A session in a pool of one link, and a member of a roster: what they add to what they carry. */
async function ofSessions(): Promise<Record<string, number>> {
  const env = systemEnv()
  const upstreams = pool<number, object>({
    env,
    size: { min: 1, max: 1 },
    slot: {
      env,
      dialer: new StubDialer(),
      endpoints: [{ uri: 'tcp:10.0.0.1:1' }],
      protocol: (scope) => {
        scope.ready()
        return protocol
      },
    },
    mover: { movable: () => true, attach: () => {}, detach: () => {}, released: () => {} },
  })
  upstreams.start()
  const peers = roster<number, number>({ env })
  let bound = 0
  const binding = await heapEach(() => upstreams.bind((bound += 1)))
  let key = 0
  const member = await heapEach(() => peers.join((key += 1), key))
  upstreams.close()
  return { binding, member }
}

const figure = { unit: 'B', better: 'less', limit: 2000 } as const

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'heap for each of 10,000 connections, socket excluded',
    figures: { idle: figure, ready: figure, waiting: figure },
    subjects: [
      { name: 'holdfast', measure: ofLifecycles },
      { name: 'partysocket 1.3.0', measure: () => ofSockets(makePartySocket) },
      { name: 'reconnecting-websocket 4.4.0', measure: () => ofSockets(makeReconnectingWebSocket) },
      { name: 'rxjs 7.8.2, webSocket and retry', measure: () => ofSockets(makePipeline) },
    ],
    runs: 3,
  },
  {
    name: 'heap for each of 10,000 sessions and members',
    figures: {
      binding: { unit: 'B', better: 'less', limit: 1000 },
      member: { unit: 'B', better: 'less', limit: 500 },
    },
    subjects: [{ name: 'holdfast', measure: ofSessions }],
    runs: 3,
  },
]
