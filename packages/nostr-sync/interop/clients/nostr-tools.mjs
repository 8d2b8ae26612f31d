// nostr-tools: reads, counts, publishes, hears, and reconciles by its own negentropy.
import { nip77, Relay } from 'nostr-tools'
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure'
import { WebSocket } from 'ws'
import { given, report } from './given.mjs'

globalThis.WebSocket ??= WebSocket
const { url, mine, filter } = await given()
const client = await Relay.connect(url)
const read = []
await new Promise((resolve) =>
  client.subscribe([{ ...filter, limit: 5000 }], {
    onevent: (event) => read.push(event.id),
    oneose: resolve,
  }),
)
const counted = await client.count([filter], {})

const heard = new Promise((resolve) =>
  client.subscribe([{ kinds: [1], limit: 0 }], { onevent: resolve, oneose: publish }),
)
async function publish() {
  const event = { kind: 1, created_at: 1_700_000_000, tags: [], content: 'nostr-tools' }
  await client.publish(finalizeEvent(event, generateSecretKey()))
}
const { content } = await heard

const storage = new nip77.NegentropyStorageVector()
for (const { created_at, id } of mine) storage.insert(created_at, id)
storage.seal()
const have = new Set()
const need = new Set()
await new Promise((resolve, reject) => {
  const sync = new nip77.NegentropySync(client, storage, filter, {
    onhave: (id) => have.add(id),
    onneed: (id) => need.add(id),
    onclose: (why) => (why === undefined ? resolve() : reject(new Error(why))),
  })
  void sync.start()
})
report({ read: new Set(read).size, counted, heard: content, have: have.size, need: need.size })
