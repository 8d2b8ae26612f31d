/** What it costs to find out how two large sets of events differ. */
import { createHash } from 'node:crypto'
import {
  NegentropyBuilder,
  NegentropyInitiator,
  type NegentropyItems,
  NegentropyResponder,
} from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'

const million = 1_000_000
/** Of each side, one item in so many is missing. */
const missingOneIn = 200

function* pairs(): Generator<readonly [index: number, timestamp: number, id: Buffer]> {
  // One hash for eight ids is random enough, and leaves the time to what is measured.
  for (let index = 0; index < million; index++) {
    const id = createHash('sha256').update(`item ${index}`).digest()
    yield [index, 1_700_000_000 + Math.floor(index / 3) * 7, id]
  }
}

function cpuSeconds<T>(run: () => T): { readonly seconds: number; readonly result: T } {
  const before = process.cpuUsage()
  const result = run()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (user + system) / 1e6, result }
}

function builders(): { readonly client: NegentropyBuilder; readonly server: NegentropyBuilder } {
  const client = new NegentropyBuilder(million)
  const server = new NegentropyBuilder(million)
  for (const [index, timestamp, id] of pairs()) {
    if (index % missingOneIn !== 3) client.add(timestamp, id)
    if (index % missingOneIn !== 57) server.add(timestamp, id)
  }
  return { client, server }
}

function measure(): Record<string, number> {
  const { client, server } = builders()
  const before = process.memoryUsage()
  const built = cpuSeconds(() => client.build())
  const theirs: NegentropyItems = server.build()
  const initiator = new NegentropyInitiator(built.result)
  const responder = new NegentropyResponder(theirs)
  // Sums are made when they are first needed: of the peer before, of ours within what is measured.
  responder.reconcile(new NegentropyInitiator(theirs).initiate())
  let clientSeconds = 0
  let rounds = 0
  const first = cpuSeconds(() => initiator.initiate())
  clientSeconds += first.seconds
  for (let message: Uint8Array | null = first.result; message !== null; rounds++) {
    const answer = responder.reconcile(message)
    const step = cpuSeconds(() => initiator.reconcile(answer))
    clientSeconds += step.seconds
    message = step.result
  }
  if (initiator.need.size !== million / missingOneIn) throw new Error(`found ${initiator.need.size}`)
  const after = process.memoryUsage()
  return {
    build: built.seconds,
    reconcile: clientSeconds,
    rounds,
    working: (after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed) / 2 ** 20,
  }
}

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = []
if (process.argv[1]?.includes('negentropy')) console.log(measure())
