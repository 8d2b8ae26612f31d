// @nostr-dev-kit/sync: a third implementation of negentropy, which splits ranges in its own way.
import NDK, { NDKEvent } from '@nostr-dev-kit/ndk'
import { NDKSync } from '@nostr-dev-kit/sync'
import { WebSocket } from 'ws'
import { given, report } from './given.mjs'

globalThis.WebSocket ??= WebSocket
const { url, mine, filter } = await given()
const saved = new Set()
const ndk = new NDK({ explicitRelayUrls: [url], signatureVerificationWorker: undefined })
ndk.cacheAdapter = {
  locking: false,
  ready: true,
  // What it lacks it asks for by ids.
  query: ({ filters }) => (filters[0].ids ? [] : mine.map((event) => new NDKEvent(ndk, event))),
  setEvent: (event) => Promise.resolve(void saved.add(event.id)),
}
await ndk.connect(5000)
const { events, need, have } = await new NDKSync(ndk).sync(filter)
report({ have: have.size, need: need.size, fetched: events.length })
