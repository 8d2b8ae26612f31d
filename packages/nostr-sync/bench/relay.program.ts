/**
 * A relay in a process of its own, with COUNT comments of `signed-events.ts`: `COUNT`. It says its URL. Told `{ absent: N }` it
 * goes away, with N comments that come meanwhile, and is back when told `{ back: true }`.
 */
import { nodeEnv } from '@holdfast/core/node'
import { eventIntake, memoryStore, openPolicy, type RelayEndpoint, relayEndpoint } from '@holdfast/nostr-sync'
import { trustingVerifier } from '@holdfast/nostr-sync/testing'
import { announcement, comment, manyComments } from './signed-events.js'

const [count] = process.argv.slice(2).map(Number)
const env = nodeEnv({ name: 'relay' })
const store = memoryStore()
const intake = eventIntake({ env, store, verifier: trustingVerifier(), policy: openPolicy() })
const listen = (uri: string): Promise<RelayEndpoint> =>
  // Who asks for many is not to wait for another's answer.
  relayEndpoint({ env, store, intake, at: { uri }, limits: { subscriptions: 400 } })

await store.put(manyComments(count ?? 0))
let endpoint = await listen('ws://127.0.0.1:0')
const { url } = endpoint
await store.put([announcement('grasp.example', url)])

process.on('message', ({ absent, back }: { absent?: number; back?: true }) => {
  void (async () => {
    if (absent !== undefined) {
      await endpoint[Symbol.asyncDispose]()
      const now = Math.floor(Date.now() / 1000)
      await store.put(Array.from({ length: absent }, (_, index) => comment(1_000_000 + index, now)))
    } else if (back === true) endpoint = await listen(url)
    process.send?.('done')
  })()
})
process.on('disconnect', () => process.exit())
process.send?.(url)
