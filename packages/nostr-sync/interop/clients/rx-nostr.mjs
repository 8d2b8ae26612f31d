// rx-nostr: reads by a backward request, hears by a forward one, publishes.

import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure'
import { createRxBackwardReq, createRxForwardReq, createRxNostr } from 'rx-nostr'
import { WebSocket } from 'ws'
import { given, report } from './given.mjs'

const { url, filter } = await given()
const client = createRxNostr({
  websocketCtor: WebSocket,
  verifier: () => Promise.resolve(true),
  skipVerify: true,
})
client.setDefaultRelays([url])
const read = new Set()
const backward = createRxBackwardReq()
const done = new Promise((resolve, reject) =>
  client
    .use(backward)
    .subscribe({ next: ({ event }) => read.add(event.id), complete: resolve, error: reject }),
)
backward.emit({ ...filter, limit: 5000 })
backward.over()
await done

const forward = createRxForwardReq()
const heard = new Promise((resolve) => client.use(forward).subscribe(({ event }) => resolve(event.content)))
forward.emit({ kinds: [1], limit: 0 })
const event = { kind: 1, created_at: 1_700_000_000, tags: [], content: 'rx-nostr' }
client.send(finalizeEvent(event, generateSecretKey())).subscribe(() => undefined)
report({ read: read.size, heard: await heard })
