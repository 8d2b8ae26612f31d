import type { Worker } from 'node:worker_threads'
import { nodeEnv } from '@holdfast/core/node'
import type { Scorecard } from '@holdfast/core/service'
import { memoryStore, nostrMirror, openPolicy, startVerifier } from '@holdfast/nostr-sync'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { until } from './until.js'

const count = 20_000
/** Events that a thread checks before it dies. */
const lifetime = 600
const alice = new TestAuthor('alice')

export async function attackByDeadThreads(card: Scorecard): Promise<void> {
  const events = Array.from({ length: count }, (_, n) =>
    alice.announces(`${n}`, { created_at: 1_700_000_000 + n }),
  )
  card.note(`${count} events are signed`)
  await using relay = await embeddedRelay({ events, verifier: trustingVerifier() })
  await using store = memoryStore()
  let killed = 0
  const born = (worker: Worker): void => {
    let left = lifetime
    worker.on('message', ({ verdicts }: { readonly verdicts: Uint8Array }) => {
      left -= verdicts.length
      if (left > 0) return
      killed++
      void worker.terminate()
    })
  }
  process.on('worker', born)
  const env = nodeEnv({ name: 'attacked' })
  await using verifier = await startVerifier({ env, workers: 1 })
  await using mirror = await nostrMirror({
    ...{ env, store, verifier, domains: ['grasp.example'], policy: openPolicy() },
    ...{ bootstrapRelays: [relay.url], allowPrivateTargets: true },
  })
  try {
    mirror.start()
    await card.seen(
      'everything is fetched all the same',
      until(() => store.size >= count, 300_000),
    )
  } finally {
    process.off('worker', born)
  }
  const counts = mirror.intake.counts
  const from = { kind: 'relay', url: relay.url } as const
  card.equal('events that failed', 0, counts.of(from, 'failed'))
  card.promise('threads died meanwhile', killed > 10, `${killed}`)
}
