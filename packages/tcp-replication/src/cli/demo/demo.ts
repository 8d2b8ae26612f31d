import { nodeEnv } from '@holdfast/core/node'
import { type DemoOutcome, type DemoStage, demonstration, type Verdict } from '@holdfast/core/service'
import { ChaosProxy, freePort, movableClock, seededRandom } from '@holdfast/core/testing'
import type { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { programName } from '../program-name.js'
import { DemoFollower } from './follower.js'
import { Oracle } from './oracle.js'
import { type Stage, scenes, untilCurrent } from './scenes.js'
import { ServerProcess } from './server-process.js'
import { statusLines } from './view.js'
import { within } from './waits.js'
import { Writer } from './writer.js'

const streams = ['events', 'receipts', 'typing']

/** `demo`: a replication session that survives real outages, in half a minute. */
export function demoCommand(): Command {
  return demonstration({
    program: programName,
    live: createLogUpdate,
    play,
  })
}

/** Plays it, alone or as a part of a greater storm. */
export async function play({ folder: data, seed, show, act }: DemoStage): Promise<DemoOutcome> {
  const host = nodeEnv({ name: 'replication', random: seededRandom(seed) })
  const clock = movableClock(host.clock)
  const env = { ...host, clock }
  const [port, httpPort] = [await freePort(), await freePort()]
  const server = new ServerProcess({ clock: env.clock, data, port, httpPort, streams })
  const oracle = new Oracle()
  const writer = new Writer(server.http, streams, oracle, env)
  await using proxy = await ChaosProxy.start({ to: port, seed })
  const worker = new DemoFollower('worker', env, () => proxy.port, streams, oracle.witness())
  const slow = new DemoFollower('slow reader', env, () => port, streams, oracle.witness())
  const followers = [worker, slow]
  const stage: Stage = {
    clock,
    server,
    proxy,
    writer,
    oracle,
    worker,
    slow,
    say: (text) => show.say(text),
  }
  const drawing = env.clock.sweep(200, () => show.draw(() => statusLines({ server, oracle, followers })))
  const killServer = (): void => void server.kill9()
  process.once('exit', killServer)
  try {
    await server.start()
    const started = Promise.all(followers.map((follower) => follower.start()))
    await within(env.clock, 'the followers to start', started)
    writer.start()
    const verdicts: Verdict[] = []
    for (const scene of scenes) {
      await act(scene.act)
      show.scene(scene.title)
      verdicts.push(...(await scene.play(stage)))
      await untilCurrent(env.clock, worker, oracle)
    }
    await writer.stop()
    for (const follower of followers) await untilCurrent(env.clock, follower, oracle)
    verdicts.unshift(...totals(oracle, followers))
    return { verdicts }
  } finally {
    drawing.cancel()
    await writer.stop()
    for (const { client } of followers) await client[Symbol.asyncDispose]()
    await server.kill9()
    process.off('exit', killServer)
  }
}

function totals(oracle: Oracle, followers: readonly DemoFollower[]): Verdict[] {
  return followers.map(({ name, witness }) => {
    const { missing, gaps, repeated, batches } = witness.tally()
    return {
      promised: `${name}: every acknowledged batch, whole and in order`,
      counted: `${oracle.batches} acknowledged, ${batches} applied, ${missing} missing, ${gaps} gaps, ${repeated} repeated`,
      held: missing === 0 && gaps === 0,
    }
  })
}
