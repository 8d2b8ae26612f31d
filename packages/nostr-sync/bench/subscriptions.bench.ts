/** What a relay costs while it is followed: heap with so many live filters, and time for each event that comes in. */
import { type Dialer, type Endpoint, type Link, type LinkSink, nextLinkId } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import {
  EventCounts,
  type Filter,
  type Intake,
  type NostrEvent,
  RejectedEvents,
  RelayConnection,
  type RelayHost,
  relayOptions,
} from '@holdfast/nostr-sync'
import { Relay } from 'applesauce-relay'
import type { Benchmark } from '../../../bench/benchmark.js'
import { comment } from './signed-events.js'

const relays = 100
const events = 20_000
const most = 300

const nothing = (): void => undefined
const topic = (index: number): string => `topic-${index}`
const filterOf = (index: number): Filter => ({ kinds: [1111], '#t': [topic(index)] })

/** Somebody who follows relays that are not there. */
interface Follower {
  /** Subscribes to so many filters of each of them. */
  subscribe(filters: number): Promise<void>
  /** An event comes from the last relay, for the subscription with this filter. */
  deliver(filter: number, json: string): void
  /** Events that reached whoever subscribed. */
  readonly received: number
}

/** A link whose other side answers every request by EOSE, and says what it is told to. */
class Far implements Link {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint
  readonly sink: LinkSink
  readonly accepted = 0
  readonly unflushed = 0
  readonly phase = 'open'
  /** The subscription of each topic. */
  readonly subscriptions = new Map<string, string>()

  constructor(endpoint: Endpoint, sink: LinkSink) {
    this.endpoint = endpoint
    this.sink = sink
  }

  write(text: string | Uint8Array): 'sent' {
    const [kind, subscription, ...filters] = JSON.parse(String(text)) as [string, string, ...Filter[]]
    if (kind !== 'REQ') return 'sent'
    for (const { '#t': topics = [] } of filters)
      for (const name of topics) this.subscriptions.set(name, subscription)
    queueMicrotask(() => this.sink.message?.(`["EOSE","${subscription}"]`))
    return 'sent'
  }

  pause(): () => void {
    return nothing
  }
  end = nothing
  destroy = nothing
}

function holdfast(): Follower {
  let received = 0
  let far: Far | null = null
  const env = nodeEnv({ name: 'bench' })
  const dialer: Dialer = {
    dial(to, sink) {
      far = new Far(to, sink)
      queueMicrotask(() => sink.opened())
      return far
    },
  }
  const intake: Intake = {
    pending: 0,
    held: 0,
    counts: new EventCounts(),
    rejected: new RejectedEvents(),
    offer: () => ((received += 1), 'taken'),
    knows: () => false,
    onRoom: () => nothing,
    onSaved: () => nothing,
    settled: () => Promise.resolve(),
    reconsider: nothing,
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const options = relayOptions({
    ...{ env, intake, dialer, allowPrivateTargets: true },
    items: () => Promise.resolve('too-many'),
    fetchInfo: () => Promise.resolve(null),
  })
  const host: RelayHost = {
    connected: nothing,
    disconnected: nothing,
    confirmed: nothing,
    failed: nothing,
    cooledDown: nothing,
    restoreLive: nothing,
    liveRefused: nothing,
    changed: nothing,
  }
  const all: RelayConnection[] = []
  return {
    async subscribe(filters) {
      for (let index = 0; index < relays; index += 1) {
        const relay = new RelayConnection(`ws://127.0.0.1:${index + 1}`, true, options, host)
        all.push(relay)
        relay.start()
        await relay.life.whenReady()
        relay.session?.live.add(Array.from({ length: filters }, (_, index) => filterOf(index)))
      }
    },
    deliver(filter, json) {
      far?.sink.message?.(`["EVENT","${far.subscriptions.get(topic(filter)) ?? ''}",${json}]`)
    },
    get received() {
      return received
    },
  }
}

/** As much of a WebSocket as is used: answers every request by EOSE. */
class FarSocket {
  static last: FarSocket | null = null
  readonly url: string
  readonly protocol = ''
  readonly subscriptions = new Map<string, string>()
  readyState = 0
  onopen: ((event: unknown) => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: unknown) => void) | null = null
  onerror: ((event: unknown) => void) | null = null

  constructor(url: string) {
    this.url = url
    FarSocket.last = this
    queueMicrotask(() => {
      this.readyState = 1
      this.onopen?.({ type: 'open' })
    })
  }

  send(text: string): void {
    const [kind, subscription, filter] = JSON.parse(text) as [string, string, Filter?]
    if (kind !== 'REQ') return
    for (const name of filter?.['#t'] ?? []) this.subscriptions.set(name, subscription)
    queueMicrotask(() => this.onmessage?.({ data: `["EOSE","${subscription}"]` }))
  }

  close(): void {
    this.readyState = 3
  }
}

function applesauce(): Follower {
  let received = 0
  const all: Relay[] = []
  const WebSocket = FarSocket as unknown as NonNullable<ConstructorParameters<typeof Relay>[1]>['WebSocket']
  return {
    async subscribe(filters) {
      for (let index = 0; index < relays; index += 1) {
        const relay = new Relay(`ws://127.0.0.1:${index + 1}`, WebSocket === undefined ? {} : { WebSocket })
        all.push(relay)
        for (let filter = 0; filter < filters; filter += 1)
          relay.subscription(filterOf(filter) as never).subscribe((message) => {
            if (typeof message === 'object') received += 1
          })
        await new Promise((resolve) => setImmediate(resolve))
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    },
    deliver(filter, json) {
      const socket = FarSocket.last
      socket?.onmessage?.({ data: `["EVENT","${socket.subscriptions.get(topic(filter)) ?? ''}",${json}]` })
    },
    get received() {
      return received
    },
  }
}

function heap(): number {
  global.gc?.()
  global.gc?.()
  return process.memoryUsage().heapUsed
}

async function heapOf(make: () => Follower, filters: number): Promise<Record<string, number>> {
  const follower = make()
  const before = heap()
  await follower.subscribe(filters)
  const bytes = heap() - before
  // Kept until here.
  if (follower.received > 0) throw new Error('events came that nobody sent')
  return { heap: bytes / relays / 1024 }
}

async function costOf(make: () => Follower): Promise<Record<string, number>> {
  const follower = make()
  await follower.subscribe(most)
  const texts = Array.from({ length: most }, (_, index) => {
    const event: NostrEvent = comment(index, 1_700_000_000)
    return JSON.stringify({ ...event, tags: [...event.tags, ['t', topic(index)]] })
  })
  const round = (count: number): void => {
    for (let index = 0; index < count; index += 1) follower.deliver(index % most, texts[index % most] ?? '')
  }
  round(events / 10)
  const before = process.cpuUsage()
  round(events)
  const { user, system } = process.cpuUsage(before)
  const expected = events + events / 10
  if (follower.received !== expected) throw new Error(`${follower.received} of ${expected} events came`)
  return { event: (user + system) / events }
}

const libraries = [
  { name: 'Holdfast', make: holdfast },
  { name: 'applesauce-relay 6.2.1', make: applesauce },
] as const

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  ...[1, 10, 100, most].map(
    (filters): Benchmark => ({
      name: `A relay with ${filters} live ${filters === 1 ? 'subscription' : 'subscriptions'}`,
      figures: { heap: { unit: 'KiB of heap', better: 'less' } },
      subjects: libraries.map(({ name, make }) => ({ name, measure: () => heapOf(make, filters) })),
      runs: 3,
    }),
  ),
  {
    name: `An event from a relay with ${most} live subscriptions`,
    figures: { event: { unit: 'µs CPU an event, without its signature', better: 'less' } },
    subjects: libraries.map(({ name, make }) => ({ name, measure: () => costOf(make) })),
    runs: 3,
  },
]
