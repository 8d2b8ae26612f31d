/**
 * All four systems in one storm, on embedded peers in this process: kills, half-open connections, a partition, slow readers, a host
 * that sleeps and a clock that is set. In the end one table of what was promised, and what was counted.
 *
 *     pnpm demo [--seed N] [--json]
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogUpdate } from 'log-update'
import { serveInspector } from '../packages/core/src/inspector/index.js'
import { nodeEnv } from '../packages/core/src/node/index.js'
import { runProgram } from '../packages/core/src/program/index.js'
import {
  collectMetrics,
  type DemoAct,
  type DemoOutcome,
  type DemoStage,
  demonstration,
  type Verdict,
} from '../packages/core/src/service/index.js'
import { type Part, parts } from './parts.js'
import { Rendezvous } from './rendezvous.js'
import { Screen } from './screen.js'

const acts: Readonly<Record<DemoAct, string>> = {
  quiet: 'quiet waters: everything finds together',
  kill: 'kills: servers, relays and connections die',
  'half-open': 'half-open: lines go dead, and nobody is told',
  partition: 'a partition: networks are gone for a while',
  'slow-reader': 'a slow reader: somebody stops reading',
  sleep:
    'the host sleeps for an hour; here the clock of the demonstration is moved, and your host stays awake',
  'clock-step': 'somebody sets the wall clock; here, too, only the clock of the demonstration is moved',
  goodbye: 'goodbye: programs end as they should, and all is counted',
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`

async function play({ show, folder, seed }: DemoStage): Promise<DemoOutcome & { readonly seconds: number }> {
  const { clock } = nodeEnv({ name: 'demo' })
  const began = clock.now()
  using metrics = collectMetrics()
  await using inspector = await serveInspector({
    at: '127.0.0.1:0',
    program: 'demo',
    metrics: metrics.registry,
  })
  show.say(`all four systems are in this process; watch them at ${inspector.url}`)
  const screen = new Screen(show, process.stdout.isTTY)
  const together = new Rendezvous(
    parts.map(({ name }) => name),
    (act) => show.scene(`${seconds(clock.now() - began)}: ${acts[act]}`),
  )
  const drawing = clock.sweep(200, () => screen.draw())

  async function playPart({ name, about, play: playThis }: Part): Promise<Verdict[]> {
    const within = join(folder, name)
    try {
      await mkdir(within)
      const { verdicts } = await playThis({
        show: screen.pane(name, about),
        folder: within,
        seed,
        act: (act) => together.reach(name, act),
      })
      return verdicts.map((verdict) => ({ ...verdict, promised: `${name}: ${verdict.promised}` }))
    } catch (error) {
      // The others go on: what they promise has nothing to do with it.
      const counted = error instanceof Error ? error.message : String(error)
      return [{ promised: `${name}: plays to its end`, counted, held: false }]
    } finally {
      together.leave(name)
    }
  }

  try {
    const verdicts = (await Promise.all(parts.map(playPart))).flat()
    const took = clock.now() - began
    show.scene(`${seconds(took)}: the storm is over`)
    return { seconds: Math.round(took / 1000), verdicts }
  } finally {
    drawing.cancel()
  }
}

await runProgram({
  name: 'pnpm',
  description: 'Holdfast: connections that outlive their sockets',
  version: '0.1.0',
  commands: {
    demo: {
      about: 'show all four systems in one storm, and count what was promised',
      load: () => demonstration({ program: 'pnpm', canBeInspected: false, live: createLogUpdate, play }),
    },
  },
})
