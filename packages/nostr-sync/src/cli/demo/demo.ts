import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeEnv } from '@holdfast/core/node'
import { exitCodes, OpenedThings, Show, type Verdict } from '@holdfast/core/service'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { nostrMirror } from '../../manager/nostr-mirror.js'
import { relaySink } from '../../sink/relay-sink.js'
import { openLmdbStore } from '../../store/lmdb-store.js'
import { startVerifier } from '../../verify/verifier.js'
import { programName } from '../program-name.js'
import { CountingVerifier } from './counting-verifier.js'
import { DemoRelay } from './demo-relay.js'
import { domain, People } from './people.js'
import { type Stage, scenes } from './scenes.js'
import { statusLines } from './view.js'

/** `demo`: a mirror of two relays, one of which goes away and comes back. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'show a mirror of two relays on real sockets: one goes away, comes back, and nothing is missed',
    )
    .option('--json', 'print the table as JSON')
    .addHelpText('after', `\nExamples:\n  $ ${programName} demo\n  $ ${programName} demo --json`)
    .action(async ({ json }: { json?: boolean }) => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
      const out = json === true ? process.stderr : process.stdout
      try {
        const show = new Show({ out, live: out.isTTY ? createLogUpdate(out) : null })
        const verdicts = await play(folder, show)
        if (json === true) process.stdout.write(`${JSON.stringify({ verdicts })}\n`)
        process.exitCode = verdicts.every(({ held }) => held) ? exitCodes.ok : exitCodes.failure
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
}

async function play(folder: string, show: Show): Promise<Verdict[]> {
  const env = nodeEnv({ name: 'demo' })
  const opened = new OpenedThings()
  try {
    const stage = await setUp(folder, show, opened)
    const drawing = env.clock.sweep(200, () => show.draw(() => statusLines(stage)))
    opened.add({ [Symbol.asyncDispose]: () => Promise.resolve(drawing.cancel()) })
    const verdicts: Verdict[] = []
    for (const scene of scenes) {
      show.scene(scene.title)
      verdicts.push(...(await scene.play(stage)))
    }
    show.finish(verdicts)
    return verdicts
  } finally {
    await opened.close()
  }
}

async function setUp(folder: string, show: Show, opened: OpenedThings): Promise<Stage> {
  const env = nodeEnv({ name: 'demo' })
  const verifier = opened.add(await startVerifier({ env, workers: 1 }))
  const oak = opened.add(new DemoRelay('oak', env, verifier))
  const elm = opened.add(new DemoRelay('elm', env, verifier))
  for (const relay of [oak, elm]) await relay.start()
  const store = opened.add(await openLmdbStore({ path: join(folder, 'events') }))
  const counting = new CountingVerifier(verifier)
  const mirror = opened.add(
    await nostrMirror({
      ...{ env, store, verifier: counting.verifier, domains: [domain], bootstrapRelays: [oak.url] },
      allowPrivateTargets: true,
      // Five seconds each, usually: more than anybody wants to look at.
      batchWindow: 500,
      relay: { backoff: { base: 500 } },
    }),
  )
  const sinks = [oak, elm].map(({ url }) => opened.add(relaySink({ env, store, url })))
  return { clock: env.clock, show, oak, elm, store, mirror, sinks, counting, people: new People(env.clock) }
}
