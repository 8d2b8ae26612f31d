/**
 * How long a conference that was split in two halves for three minutes takes until everybody sees everybody, by its
 * size and by who are friends; and how many packets that costs each member.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/conference/test/soak/healing.ts [runs]
 */
import { Simulation } from '@holdfast/conference/testing'

const [runs = 5] = process.argv.slice(2).map(Number)

interface Healing {
  readonly seconds: number
  readonly packets: number
}

function heal(peers: number, friends: 'all' | 'sparse' | 'chain', seed: number): Healing {
  const simulation = new Simulation({ seed, peers, friends })
  simulation.assemble()
  simulation.split(simulation.peers.map((_, index) => index % 2))
  simulation.clock.advance(180_000)
  const before = simulation.links.sent
  simulation.merge()
  const ms = simulation.heal(600_000) ?? Number.NaN
  simulation.stop()
  return { seconds: ms / 1000, packets: (simulation.links.sent - before) / peers }
}

console.log(
  '| peers | friends | healed after, median | at most | packets sent by each in 45 s and that time |\n| ---: | --- | ---: | ---: | ---: |',
)
for (const peers of [2, 5, 10, 20, 50, 100]) {
  for (const friends of ['all', 'sparse', 'chain'] as const) {
    const results = Array.from({ length: peers > 20 ? Math.min(runs, 3) : runs }, (_, run) =>
      heal(peers, friends, 1 + run),
    )
    const seconds = results.map((result) => result.seconds).toSorted((a, b) => a - b)
    const packets = results.reduce((sum, result) => sum + result.packets, 0) / results.length
    const median = seconds[Math.floor(seconds.length / 2)]
    console.log(`| ${peers} | ${friends} | ${median} s | ${seconds.at(-1)} s | ${packets.toFixed(0)} |`)
  }
}
