import type { Endpoint, LinkSink, Store } from '@holdfast/core'
import { memoryNetwork, type TestEnv, testEnv } from '@holdfast/core/testing'
import {
  type EventStore,
  type Filter,
  memoryStore,
  type NostrEvent,
  type NostrMirror,
  type NostrMirrorOptions,
  nostrMirror,
  type RelayStatus,
  readClientMessage,
  type SavedState,
} from '@holdfast/nostr-sync'
import {
  type ScriptedClient,
  type ScriptedRelay,
  type ScriptedRelayOptions,
  scriptedRelay,
  trustingVerifier,
} from '@holdfast/nostr-sync/testing'
import { author, madeEvent } from './made-event.js'

const ourDomain = 'grasp.example'
export const url = 'wss://relay.example'
export const alice = author('a')
/** The address of the repository that {@link announcement} announces. */
export const repoKey = `30617:${alice}:repo`

/** Announces a repository on our service and the given relays. */
export function announcement(relays: readonly string[], parts: { at?: number; d?: string } = {}): NostrEvent {
  const { at = 1000, d = 'repo' } = parts
  return madeEvent({
    kind: 30617,
    pubkey: alice,
    created_at: at,
    tags: [
      ['d', d],
      ['clone', `https://${ourDomain}/repo.git`],
      ['relays', `wss://${ourDomain}`, ...relays],
    ],
  })
}

/** An issue of the repository. */
export function issue(text: string, at = 2000, repo = repoKey): NostrEvent {
  return madeEvent({ kind: 1621, created_at: at, content: text, tags: [['a', repo]] })
}

/** A comment on a root event. */
export function comment(on: NostrEvent, text: string, at = 3000): NostrEvent {
  return madeEvent({ kind: 1111, created_at: at, content: text, tags: [['E', on.id]] })
}

type MemoryNetwork = ReturnType<typeof memoryNetwork>

/** What a test has: a mirror on a virtual clock, and relays in memory. */
export interface Bench extends AsyncDisposable {
  readonly env: TestEnv
  readonly network: MemoryNetwork
  readonly store: EventStore
  readonly mirror: NostrMirror
  /** When each dial began. */
  readonly dials: { at: number; to: string }[]
  relay(options?: ScriptedRelayOptions & { url?: string }): Promise<ScriptedRelay>
  /** Lets time pass, and everything happen that falls due. */
  pass(ms: number): Promise<void>
  /** Lets a dial, a sync and the end of it happen (R57), however deep the threads are. */
  sync(): Promise<void>
  status(url?: string): RelayStatus
  /** Ids that are stored, of those given. */
  stored(...events: readonly NostrEvent[]): boolean[]
  /** Now, in seconds since the Unix epoch. */
  now(): number
}

/** Makes a bench; the mirror is started by the test. */
export async function mirrorBench(
  options: Partial<NostrMirrorOptions> & { env?: TestEnv; network?: MemoryNetwork } = {},
): Promise<Bench> {
  const env = options.env ?? testEnv()
  const network = options.network ?? memoryNetwork(env.clock, { framing: 'messages', latency: 1 })
  const store = options.store ?? memoryStore(env.clock)
  const dials: { at: number; to: string }[] = []
  const dialer = {
    dial(to: Endpoint, sink: LinkSink) {
      dials.push({ at: env.clock.now(), to: to.uri })
      return network.dial(to, sink)
    },
  }
  const mirror = await nostrMirror({
    store,
    domains: [ourDomain],
    verifier: trustingVerifier(),
    dialer,
    resolve: () => Promise.resolve(['203.0.114.1']),
    fetchInfo: () => Promise.resolve(null),
    ...options,
    env,
  })
  return {
    ...{ env, network, store, mirror, dials },
    relay: ({ url: uri = url, ...more } = {}) => scriptedRelay({ acceptor: network, at: { uri }, ...more }),
    pass: (ms) => env.clock.advanceAsync(ms),
    sync: () => env.clock.advanceAsync(30_000),
    status(wanted = url) {
      const found = mirror.state.relays.find((relay) => relay.url === wanted)
      if (found === undefined) throw new Error(`${wanted} is not known`)
      return found
    },
    stored: (...events) => events.map(({ id }) => store.has(id)),
    now: () => Math.floor(env.clock.wall() / 1000),
    [Symbol.asyncDispose]: () => mirror.close(),
  }
}

/** The client that came last. */
export function lastClient(relay: ScriptedRelay): ScriptedClient {
  const client = relay.clients.at(-1)
  if (client === undefined) throw new Error('nobody has connected')
  return client
}

/** Filters for stored events that a client has sent. */
export function asked(client: ScriptedClient): Filter[] {
  return filtersOf(client).filter(({ limit }) => limit !== 0)
}

/** Filters for new events. */
export function askedLive(client: ScriptedClient): Filter[] {
  return filtersOf(client).filter(({ limit }) => limit === 0)
}

/** All filters of REQs that a client has sent, in order. */
export function filtersOf(client: ScriptedClient): readonly Filter[] {
  return client.received.flatMap((text) => {
    const message = readClientMessage(text)
    return message.kind === 'req' ? message.filters : []
  })
}

/** A store in memory that outlives a mirror. */
export function memoryState(): Store<SavedState> & { value: SavedState | undefined } {
  return {
    value: undefined,
    load() {
      return Promise.resolve(this.value)
    },
    save(value) {
      this.value = structuredClone(value)
      return Promise.resolve()
    },
  }
}
