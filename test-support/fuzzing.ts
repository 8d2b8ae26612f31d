import { parseArgs } from 'node:util'

/** What came of giving a target inputs of one seed. */
interface FuzzRound {
  /** How many it was given. */
  readonly inputs: number
  /** What broke, and by what; `null` if nothing did. */
  readonly flaw: string | null
}

/** A campaign of made-up and damaged inputs. */
export interface FuzzCampaign<T extends { readonly name: string }> {
  readonly targets: readonly T[]
  /** Gives a target some inputs; the same for the same seed. */
  readonly round: (target: T, seed: number) => FuzzRound
}

/** More than this, in MiB, what stays after a round may not grow from the second quarter to the last. */
const leakMebibytes = 20

/**
 * Gives all targets inputs of one seed after the other, until the time is over or something breaks; then says what came of it, and
 * sets the exit code. The command line is `[--minutes 5] [--seed 1] [--only NAME]`.
 */
export function fuzz<T extends { readonly name: string }>({ targets, round }: FuzzCampaign<T>): void {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
  })
  const chosen = targets.filter(({ name }) => name.includes(values.only ?? ''))
  const until = performance.now() + Number(values.minutes ?? 1) * 60_000
  const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31)
  const heap: number[] = []
  let inputs = 0
  let isBroken = false
  let seed = firstSeed
  for (; performance.now() < until && !isBroken; seed += 1) {
    for (const target of chosen) {
      const given = round(target, seed)
      inputs += given.inputs
      if (given.flaw === null) continue
      isBroken = true
      console.error(`${target.name}, seed ${seed}: ${given.flaw}`)
    }
    globalThis.gc?.()
    heap.push(process.memoryUsage().heapUsed)
  }
  const grown = growthOf(heap)
  const hasHeld = !isBroken && grown <= leakMebibytes
  console.log(
    `${chosen.length} targets, ${inputs} inputs, seeds ${firstSeed} to ${seed - 1}, ` +
      `heap ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MiB: ${hasHeld ? 'held' : 'BROKEN'}`,
  )
  process.exitCode = hasHeld ? 0 : 1
}

function growthOf(heap: readonly number[]): number {
  const quarter = Math.floor(heap.length / 4)
  const least = (part: readonly number[]): number => Math.min(...part) / 2 ** 20
  return quarter === 0 ? 0 : least(heap.slice(-quarter)) - least(heap.slice(quarter, 2 * quarter))
}
