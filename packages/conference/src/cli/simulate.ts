import { exitCodes } from '@holdfast/core/program'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Friendships } from '../testing/friendships.js'
import { Simulation } from '../testing/simulation.js'
import { programName } from './program-name.js'

interface SimulateFlags {
  readonly seed: number
  readonly friends: Friendships
  readonly split: number
  readonly faults: number
  readonly json?: boolean
}

/** `simulate`: a conference in memory that is split, healed and disturbed. */
export function simulateCommand(): Command {
  return new Command()
    .argument('[peers]', 'how many peers', whole(2, 500), 5)
    .option('--seed <n>', 'seed of chance; the same seed gives the same run', whole(0, 2 ** 32), 1)
    .addOption(
      new Option('--friends <who>', 'who are friends').choices(['all', 'sparse', 'chain']).default('sparse'),
    )
    .option('--split <seconds>', 'how long the halves are apart', whole(0, 86_400), 180)
    .option('--faults <n>', 'how many faults follow', whole(0, 10_000), 40)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} simulate 20\n  $ ${programName} simulate 50 --friends chain --seed 7`,
    )
    .action((peers: number, flags: SimulateFlags) => {
      const report = simulate(peers, flags)
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : `${describe(report)}\n`)
      process.exitCode =
        report.flaws.length === 0 && report.split.healedAfterMs !== null ? exitCodes.ok : exitCodes.failure
    })
}

/** After this long it counts as not healed. */
const patienceMs = 300_000

function simulate(peers: number, { seed, friends, split, faults }: SimulateFlags) {
  const run = new Simulation({ seed, peers, friends })
  try {
    run.assemble()
    run.split(run.peers.map((_, index) => (index < peers / 2 ? 0 : 1)))
    run.clock.advance(split * 1000)
    const apart = run.disagreements().length
    run.merge()
    const healedAfterMs = run.heal(patienceMs)
    run.disturb(faults)
    return { friends, split: { seconds: split, apart, healedAfterMs }, faults, ...run.conclude() }
  } finally {
    run.stop()
  }
}

function describe({ peers, friends, seed, split, faults, ...report }: ReturnType<typeof simulate>): string {
  const { healedAfterMs, hoped, delivered, repeated, flaws } = report
  const share = hoped === 0 ? 100 : Math.floor((100 * delivered) / hoped)
  return [
    `${peers} peers, friends: ${friends}, seed ${seed}`,
    `split into halves for ${split.seconds} s: ${split.apart} pairs apart, whole again ${after(split.healedAfterMs)}`,
    `${faults} faults by chance: whole again ${after(healedAfterMs)}`,
    `said meanwhile: ${delivered} of ${hoped} copies arrived (${share} %), ${repeated} came twice`,
    ...flaws.map((flaw) => `FLAW: ${flaw}`),
  ].join('\n')
}

function after(ms: number | null): string {
  return ms === null ? 'NEVER' : `after ${(ms / 1000).toFixed(1)} s`
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}
