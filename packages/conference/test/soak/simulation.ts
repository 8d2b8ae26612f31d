/**
 * Many conferences with many faults each: prints the seeds that did not heal, and how long the others took.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/conference/test/soak/simulation.ts [seeds] [first seed] [no-history]
 */
import { defaultRules } from '@holdfast/conference'
import { Simulation, type SimulationReport } from '@holdfast/conference/testing'

const [seeds = 1000, first = 1] = process.argv.slice(2, 4).map(Number)
const rules = process.argv[4] === 'no-history' ? { ...defaultRules, history: null } : defaultRules
const sizes = [2, 3, 5, 8, 12]

function run(seed: number): SimulationReport & { history: readonly string[] } {
  const simulation = new Simulation({
    seed,
    peers: sizes[seed % sizes.length] ?? 5,
    friends: seed % 3 === 0 ? 'all' : 'sparse',
    rules,
  })
  simulation.assemble()
  simulation.disturb(40)
  const report = simulation.conclude()
  simulation.stop()
  return { ...report, history: simulation.history }
}

const reports: SimulationReport[] = []
for (let seed = first; seed < first + seeds; seed += 1) {
  const { history, ...report } = run(seed)
  reports.push(report)
  if (report.flaws.length === 0) continue
  console.log(JSON.stringify(report), '\n ', history.join('\n  '))
  process.exitCode = 1
}

for (const size of sizes) {
  const times = reports
    .filter(({ peers, healedAfterMs }) => peers === size && healedAfterMs !== null)
    .map(({ healedAfterMs }) => (healedAfterMs ?? 0) / 1000)
    .toSorted((a, b) => a - b)
  const at = (share: number): string => (times[Math.ceil(times.length * share) - 1] ?? 0).toFixed(1)
  console.log(
    `${size} peers: ${times.length} runs, healed after ${at(0.5)} s median, ${at(0.95)} s 95 %, ${at(1)} s at most`,
  )
}
const share =
  reports.reduce((sum, { delivered }) => sum + delivered, 0) /
  reports.reduce((sum, { hoped }) => sum + hoped, 0)
console.log(`${(share * 100).toFixed(1)} % of what was said during the faults was heard`)
const again = reports.filter(({ repeated }) => repeated > 0)
console.log(
  `${again.length} runs in which somebody heard something again: ${again
    .map(({ seed }) => seed)
    .slice(0, 10)
    .join(' ')}`,
)
const invited = reports.filter(({ invitedAgain }) => invitedAgain > 0)
console.log(
  `${invited.length} runs in which somebody had to be invited again: neither side remembered the other`,
)
console.log(`${reports.filter(({ flaws }) => flaws.length === 0).length} of ${seeds} without a flaw`)
