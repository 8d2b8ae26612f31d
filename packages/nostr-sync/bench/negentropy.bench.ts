/** What it costs to find out how two large sets of events differ. */
import { createHash } from 'node:crypto'
import { NegentropyBuilder, NegentropyInitiator, NegentropyResponder } from '@holdfast/nostr-sync'
import type { Benchmark } from '../../../bench/benchmark.js'

const items = 1_000_000
/** Each side lacks one item in so many: half a percent. */
const missingOneIn = 200

function cpuSeconds<T>(run: () => T): readonly [seconds: number, result: T] {
  const before = process.cpuUsage()
  const result = run()
  const { user, system } = process.cpuUsage(before)
  return [(user + system) / 1e6, result]
}

function held(): number {
  // What is in typed arrays goes only with the second.
  for (let pass = 0; pass < 2; pass++) gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** Items of one side, in an order that has to be sorted. */
function builderOf(isMissing: (index: number) => boolean): NegentropyBuilder {
  const builder = new NegentropyBuilder(items)
  for (let index = 0; index < items; index++) {
    const id = createHash('sha256').update(`item ${index}`).digest()
    if (!isMissing(index)) builder.add(1_700_000_000 + Math.floor(index / 3) * 7, id)
  }
  return builder
}

function measure(): Record<string, number> {
  const theirs = builderOf((index) => index % missingOneIn === 57).build()
  const before = held()
  const [build, ours] = cpuSeconds(() => builderOf((index) => index % missingOneIn === 3).build())
  const memory = held() - before
  const responder = new NegentropyResponder(theirs)
  const initiator = new NegentropyInitiator(ours)
  let [reconcile, message] = cpuSeconds<Uint8Array | null>(() => initiator.initiate())
  let rounds = 0
  let bytes = 0
  for (; message !== null; rounds++) {
    const answer = responder.reconcile(message)
    bytes += message.length + answer.length
    const [seconds, next] = cpuSeconds(() => initiator.reconcile(answer))
    reconcile += seconds
    message = next
  }
  if (initiator.need.size !== items / missingOneIn) throw new Error(`found ${initiator.need.size}`)
  const [generate] = cpuSeconds(() => builderOf((index) => index % missingOneIn === 3))
  const mebi = 2 ** 20
  return { build: build - generate, reconcile, rounds, sent: bytes / mebi, memory: memory / mebi }
}

/** See `bench/run.ts`. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: 'Reconciling 1,000,000 items of which 0.5 % differ each way (negentropy)',
    figures: {
      build: { unit: 's CPU to sort', better: 'less' },
      reconcile: { unit: "s CPU of the asking side's", better: 'less', limit: 1.3 },
      memory: { unit: 'MiB for the items', better: 'less', limit: 36 },
      rounds: { unit: 'rounds', better: 'less' },
      sent: { unit: 'MiB both ways', better: 'less' },
    },
    subjects: [{ name: 'Holdfast', measure }],
    runs: 3,
  },
]
