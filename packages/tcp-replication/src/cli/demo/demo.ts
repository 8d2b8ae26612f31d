import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Millis } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { exitCodes, Show, type Verdict } from '@holdfast/core/service'
import { ChaosProxy, seededRandom } from '@holdfast/core/testing'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { fail } from '../fail.js'
import { programName } from '../program-name.js'
import { DemoFollower } from './follower.js'
import { Oracle } from './oracle.js'
import { type Stage, scenes, untilCurrent } from './scenes.js'
import { ServerProcess } from './server-process.js'
import { statusLines } from './view.js'
import { within } from './waits.js'
import { Writer } from './writer.js'

const streams = ['events', 'receipts', 'typing']
/** Half a minute is usual; whatever hangs, longer than this nobody waits. */
const longest: Millis = 180_000

/** `demo`: a replication session that survives real outages, in half a minute. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'show a replication session that survives real outages on real sockets, and count what was promised',
    )
    .option('--seed <n>', 'seed of chance', Number, 1)
    .option('--json', 'print the table as JSON')
    .addHelpText('after', `\nExamples:\n  $ ${programName} demo\n  $ ${programName} demo --seed 7 --json`)
    .action(async ({ seed, json }: { seed: number; json?: boolean }) => {
      const data = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
      try {
        const out = json === true ? process.stderr : process.stdout
        const show = new Show({ out, live: out.isTTY ? createLogUpdate(out) : null })
        const verdicts = await play(data, seed, show)
        if (json === true) process.stdout.write(`${JSON.stringify({ seed, verdicts })}\n`)
        process.exitCode = verdicts.every(({ held }) => held) ? exitCodes.ok : exitCodes.failure
      } catch (failure) {
        process.stderr.write(
          `${programName}: ${failure instanceof Error ? failure.message : String(failure)}\n`,
        )
        process.exitCode = exitCodes.failure
      } finally {
        await rm(data, { recursive: true, force: true })
      }
    })
}

async function play(data: string, seed: number, show: Show): Promise<Verdict[]> {
  const env = nodeEnv({ name: 'demo', random: seededRandom(seed) })
  const [port, httpPort] = [await freePort(), await freePort()]
  const server = new ServerProcess({ clock: env.clock, data, port, httpPort, streams })
  const oracle = new Oracle()
  const writer = new Writer(server.http, streams, oracle, env)
  await using proxy = await ChaosProxy.start({ to: port, seed })
  const worker = new DemoFollower('worker', env, () => proxy.port, streams, oracle.witness())
  const slow = new DemoFollower('slow reader', env, () => port, streams, oracle.witness())
  const followers = [worker, slow]
  const stage: Stage = {
    clock: env.clock,
    server,
    proxy,
    writer,
    oracle,
    worker,
    slow,
    say: (text) => show.say(text),
  }
  const drawing = env.clock.sweep(200, () => show.draw(() => statusLines({ server, oracle, followers })))
  const leave = (): void => process.exit(exitCodes.failure)
  let title = 'the start'
  const watchdog = env.clock.after(longest, () => {
    fail(exitCodes.failure, `the demonstration did not end within ${longest} ms; it hung at: ${title}`)
  })
  const killServer = (): void => void server.kill9()
  process.once('SIGTERM', leave).once('SIGINT', leave).once('exit', killServer)
  try {
    await server.start()
    const started = Promise.all(followers.map((follower) => follower.start()))
    await within(env.clock, 'the followers to start', started)
    writer.start()
    const verdicts: Verdict[] = []
    for (const scene of scenes) {
      title = scene.title
      show.scene(title)
      verdicts.push(...(await scene.play(stage)))
      await untilCurrent(env.clock, worker, oracle)
    }
    title = 'the end'
    await writer.stop()
    for (const follower of followers) await untilCurrent(env.clock, follower, oracle)
    verdicts.unshift(...totals(oracle, followers))
    show.finish(verdicts)
    return verdicts
  } finally {
    drawing.cancel()
    await writer.stop()
    for (const { client } of followers) await client[Symbol.asyncDispose]()
    await server.kill9()
    watchdog.cancel()
    process.off('SIGTERM', leave).off('SIGINT', leave).off('exit', killServer)
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

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
