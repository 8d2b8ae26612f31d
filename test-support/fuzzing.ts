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
 * sets the exit code.
 *
 * @param args - the command line, `[--minutes 1] [--seed N] [--only NAME]`: a minute of all targets where it says nothing else, from a
 * seed of the clock's
 * @throws where it would have nothing done
 */
export function fuzz<T extends { readonly name: string }>(
  { targets, round }: FuzzCampaign<T>,
  args: readonly string[] = process.argv.slice(2),
): void {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
  })
  const { only = '' } = values
  const chosen = targets.filter(({ name }) => name.includes(only))
  if (chosen.length === 0) {
    throw new Error(`--only ${only}: there is none, only ${targets.map(({ name }) => name).join(', ')}`)
  }
  const minutes = Number(values.minutes ?? 1)
  if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, got ${values.minutes}`)
  const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31)
  if (!Number.isSafeInteger(firstSeed)) throw new Error(`--seed must be a whole number, got ${values.seed}`)
  const until = performance.now() + minutes * 60_000
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
  const least = (part: readonly number[]): number => part.reduce((a, b) => Math.min(a, b)) / 2 ** 20
  return quarter === 0 ? 0 : least(heap.slice(-quarter)) - least(heap.slice(quarter, 2 * quarter))
}
