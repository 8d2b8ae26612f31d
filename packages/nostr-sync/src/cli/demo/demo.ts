import { join } from 'node:path'
import { nodeEnv } from '@holdfast/core/node'
import {
  type DemoOutcome,
  type DemoStage,
  demonstration,
  OpenedThings,
  type Show,
  type Verdict,
} from '@holdfast/core/service'
import { movableClock, seededRandom } from '@holdfast/core/testing'
import type { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { relayEndpoint } from '../../endpoint/relay-endpoint.js'
import { nostrMirror } from '../../manager/nostr-mirror.js'
import { relaySink } from '../../sink/relay-sink.js'
import { openLmdbStore } from '../../store/lmdb-store.js'
import { startVerifier } from '../../verify/verifier.js'
import { programName } from '../program-name.js'
import { CountingVerifier } from './counting-verifier.js'
import { DemoRelay } from './demo-relay.js'
import { domain, People } from './people.js'
import { hearWithin, type Stage, scenes } from './scenes.js'
import { statusLines } from './view.js'

/** `demo`: a mirror of two relays that go away and come back, in half a minute. */
export function demoCommand(): Command {
  return demonstration({
    program: programName,
    live: createLogUpdate,
    play,
  })
}

/** Plays it, alone or as a part of a greater storm. */
export async function play({ folder, show, seed, act }: DemoStage): Promise<DemoOutcome> {
  const opened = new OpenedThings()
  try {
    const stage = await setUp(folder, show, seed, opened)
    const drawing = stage.clock.sweep(200, () => show.draw(() => statusLines(stage)))
    opened.add({
      [Symbol.asyncDispose]() {
        drawing.cancel()
        return Promise.resolve()
      },
    })
    const verdicts: Verdict[] = []
    for (const scene of scenes) {
      await act(scene.act)
      show.scene(scene.title)
      verdicts.push(...(await scene.play(stage)))
    }
    return { verdicts }
  } finally {
    await opened.close()
  }
}

async function setUp(folder: string, show: Show, seed: number, opened: OpenedThings): Promise<Stage> {
  const host = nodeEnv({ name: 'mirror', random: seededRandom(seed) })
  const clock = movableClock(host.clock)
  const env = { ...host, clock }
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
      // Five seconds each, usually, and a minute: more than anybody wants to look at.
      batchWindow: 500,
      relay: { backoff: { base: 500 }, hearWithin },
    }),
  )
  const { intake } = mirror
  const endpoint = opened.add(await relayEndpoint({ env, store, intake, at: { uri: 'ws://127.0.0.1:0' } }))
  const sinks = [oak, elm].map(({ url }) => opened.add(relaySink({ env, store, url })))
  return { clock, show, oak, elm, store, mirror, endpoint, sinks, counting, people: new People(clock) }
}
