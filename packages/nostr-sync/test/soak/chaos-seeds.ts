/**
 * Two nodes and a relay with many faults each, by a virtual clock: prints the seeds after which somebody lacks an event.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/nostr-sync/test/soak/chaos-seeds.ts [seeds] [first seed] [rounds]
 */
import { ChaosSimulation } from '../support/chaos-simulation.js'

const [seeds = 200, first = 1, rounds = 60] = process.argv.slice(2).map(Number)
let sound = 0
let promised = 0
let faults = 0
for (let seed = first; seed < first + seeds; seed += 1) {
  await using simulation = new ChaosSimulation(seed)
  await simulation.begin()
  await simulation.disturb(rounds)
  const report = await simulation.conclude()
  promised += report.promised
  faults += report.faults
  if (report.flaws.length === 0) sound += 1
  else console.log(`seed ${seed}\n  ${[...simulation.history, ...report.flaws.slice(0, 20)].join('\n  ')}`)
}
console.log(
  `${promised} events and ${faults} faults, seeds ${first} to ${first + seeds - 1}: ${sound} of ${seeds} sound`,
)
if (sound < seeds) process.exitCode = 1
