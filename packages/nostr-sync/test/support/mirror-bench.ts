import type { Store } from '@holdfast/core'
import { type TestEnv, testEnv } from '@holdfast/core/testing'
import {
  type EventStore,
  memoryStore,
  type NostrEvent,
  type NostrMirror,
  type NostrMirrorOptions,
  nostrMirror,
  type RelayStatus,
  type SavedState,
  type Verifier,
} from '@holdfast/nostr-sync'
import { author, madeEvent } from './made-event.js'
import { type MemoryNetwork, relayNetwork, ScriptedRelay } from './scripted-relay.js'

/** Believes everybody. */
export const credulous: Verifier = {
  backend: 'javascript',
  queued: 0,
  submit(_event, done) {
    queueMicrotask(() => done('valid'))
    return 'taken'
  },
  onRoom: () => () => undefined,
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

export const ourDomain = 'grasp.example'
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

/** What a test has: a mirror on a virtual clock, and relays in memory. */
export interface Bench extends AsyncDisposable {
  readonly env: TestEnv
  readonly network: MemoryNetwork
  readonly store: EventStore
  readonly mirror: NostrMirror
  relay(url: string): Promise<ScriptedRelay>
  /** Lets time pass, and everything happen that falls due. */
  pass(ms: number): Promise<void>
  status(url: string): RelayStatus
  /** Ids that are stored, of those given. */
  stored(...events: readonly NostrEvent[]): boolean[]
}

/** Makes a bench; the mirror is started by the test. */
export async function mirrorBench(
  options: Partial<NostrMirrorOptions> & { env?: TestEnv; network?: MemoryNetwork } = {},
): Promise<Bench> {
  const env = options.env ?? testEnv()
  const network = options.network ?? relayNetwork(env)
  const store = options.store ?? memoryStore(env.clock)
  const mirror = await nostrMirror({
    env,
    store,
    domains: [ourDomain],
    verifier: credulous,
    dialer: network,
    resolve: () => Promise.resolve(['203.0.114.1']),
    fetchInfo: () => Promise.resolve(null),
    ...options,
  })
  return {
    env,
    network,
    store,
    mirror,
    relay: (url) => new ScriptedRelay(network, url).open(),
    async pass(ms) {
      await env.clock.advanceAsync(ms)
    },
    status(url) {
      const found = mirror.state.relays.find((relay) => relay.url === url)
      if (found === undefined) throw new Error(`${url} is not known`)
      return found
    },
    stored: (...events) => events.map(({ id }) => store.has(id)),
    [Symbol.asyncDispose]: () => mirror.close(),
  }
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
