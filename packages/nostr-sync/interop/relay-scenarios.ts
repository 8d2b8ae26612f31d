import { type Env, systemClock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import type { Scorecard } from '@holdfast/core/service'
import {
  type EventStore,
  eventIntake,
  fetchOnce,
  memoryStore,
  type NostrEvent,
  nostrMirror,
  openPolicy,
  pushOnce,
  relayOptions,
  startVerifier,
  type Verifier,
} from '../src/index.js'
import { TestAuthor } from '../src/testing/index.js'
import type { RelayProgram } from './relay-programs.js'

const connectWithin = 20_000
const lacking = { here: 40, there: 25 }
const total = 1000
const alice = new TestAuthor('alice')

/** What our side does with a relay of others. */
export async function meetRelay(card: Scorecard, relay: RelayProgram): Promise<void> {
  const env = nodeEnv({ name: 'interop' })
  await using verifier = await startVerifier({ env })
  await syncBothWays(card, relay, env, verifier)
  await mirrorIt(card, relay, env, verifier)
}

/** 1000 events, of which either side lacks some: in the end both have all of them. */
async function syncBothWays(
  card: Scorecard,
  { url }: RelayProgram,
  env: Env,
  verifier: Verifier,
): Promise<void> {
  const events = Array.from({ length: total }, (_, n) =>
    alice.signs({ kind: 1621, created_at: 1_700_000_000 + Math.floor(n / 3), content: `${n}` }),
  )
  const filters = [{ kinds: [1621] }]
  const theirs = await storeOf(events.slice(lacking.there))
  const first = await pushOnce({ env, store: theirs, url, filters, connectWithin })
  card.equal('events that an empty relay takes', total - lacking.there, first.delivered)
  const ours = await storeOf(events.slice(0, total - lacking.here))
  const came = await fetches(ours, url, env, verifier)
  card.equal('events fetched, by pages', lacking.here, came)
  await pushOnce({ env, store: ours, url, filters, connectWithin })
  const copy = await storeOf([])
  card.equal('events that a third party finds there then', total, await fetches(copy, url, env, verifier))
}

async function fetches(store: EventStore, url: string, env: Env, verifier: Verifier): Promise<number> {
  const before = store.size
  await using intake = eventIntake({ env, store, verifier, policy: openPolicy() })
  const relay = relayOptions({
    env,
    intake,
    items: (filter) => store.items(filter),
    allowPrivateTargets: true,
  })
  const isComplete = await fetchOnce({ url, relay, filters: [{ kinds: [1621] }], connectWithin })
  return isComplete ? store.size - before : -1
}

/** A repository is announced there and issues of it are published, also while the relay is down or we are away. */
async function mirrorIt(card: Scorecard, relay: RelayProgram, env: Env, verifier: Verifier): Promise<void> {
  const { url, kill } = relay
  await using store = memoryStore()
  const mirror = (): ReturnType<typeof nostrMirror> =>
    nostrMirror({
      ...{ env, store, verifier, domains: ['grasp.example'], policy: openPolicy() },
      ...{ bootstrapRelays: [url], allowPrivateTargets: true, batchWindow: 500 },
    })
  const now = Math.floor(Date.now() / 1000)
  const repo = alice.announces('interop', { created_at: now, relays: [url] })
  const issue = (content: string): NostrEvent =>
    alice.signs({ kind: 1621, created_at: now, content, tags: [['a', `30617:${alice.pubkey}:interop`]] })
  const published = async (event: NostrEvent): Promise<void> => {
    const { delivered } = await pushOnce({
      ...{ env, url, connectWithin, store: await storeOf([event]) },
      ...{ filters: [{}], negentropy: 'off' },
    })
    if (delivered !== 1) throw new Error('the relay does not take the event')
  }
  await using following = await mirror()
  following.start()
  await until(() => following.relay(url)?.status === 'connected')
  await published(repo)
  await card.seen('an announcement published there', arrival(store, repo))
  const open = issue('while we follow')
  await published(open)
  await card.seen('an issue of it', arrival(store, open))
  if (kill === null) return
  const begin = await kill()
  await until(() => following.relay(url)?.status !== 'connected')
  await begin()
  const meanwhile = issue('before we are back')
  await published(meanwhile)
  await card.seen('an issue of a time when the relay was killed', arrival(store, meanwhile))
}

async function storeOf(events: readonly NostrEvent[]): Promise<EventStore> {
  const store = memoryStore()
  await store.put(events)
  return store
}

const arrival = (store: EventStore, { id }: NostrEvent): Promise<void> => until(() => store.has(id))

async function until(holds: () => boolean, within = 60_000): Promise<void> {
  const clock = systemClock()
  for (const end = clock.now() + within; !holds(); ) {
    if (clock.now() > end) throw new Error(`not within ${within / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
