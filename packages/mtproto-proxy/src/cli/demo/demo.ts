import { exitCodes, Show, type Verdict } from '@holdfast/core/service'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { programName } from '../program-name.js'
import { count, drainVerdict, type Row, scenes } from './scenes.js'
import { describeRows, statusLines } from './view.js'
import { World } from './world.js'

/** `demo`: clients that do not notice that connections to Telegram die, in a quarter of a minute. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('show 200 clients staying while connections to an embedded Telegram die, and count them')
    .option('--json', 'print the tables as JSON')
    .addHelpText('after', `\nExamples:\n  $ ${programName} demo\n  $ ${programName} demo --json`)
    .action(async ({ json }: { json?: boolean }) => {
      const out = json === true ? process.stderr : process.stdout
      const show = new Show({ out, live: out.isTTY ? createLogUpdate(out) : null })
      const leave = (): void => process.exit(exitCodes.failure)
      process.once('SIGTERM', leave).once('SIGINT', leave)
      const { rows, verdicts } = await play(show)
      process.off('SIGTERM', leave).off('SIGINT', leave)
      if (json === true) process.stdout.write(`${JSON.stringify({ rows, verdicts })}\n`)
      process.exitCode = verdicts.every(({ held }) => held) ? exitCodes.ok : exitCodes.failure
    })
}

async function play(show: Show): Promise<{ rows: Row[]; verdicts: Verdict[] }> {
  await using world = await World.start()
  const drawing = world.clock.sweep(200, () => show.draw(() => statusLines(world)))
  const rows: Row[] = []
  const verdicts: Verdict[] = []
  try {
    for (const scene of scenes) {
      show.scene(scene.title)
      const row = await count(world, scene)
      rows.push(row)
      verdicts.push(...scene.judge(row))
      world.crowd.rejoin()
    }
    show.scene('the proxy is stopped')
    verdicts.push(await drainVerdict(world), ...totals(world))
  } finally {
    drawing.cancel()
  }
  show.say(describeRows(rows))
  show.finish(verdicts)
  return { rows, verdicts }
}

function totals({ crowd, repeated }: World): Verdict[] {
  const { answered, wrong } = crowd.tally()
  return [
    {
      promised: 'every answer comes to whoever asked, once and in order',
      counted: `${answered} answers, ${wrong} wrong`,
      held: wrong === 0,
    },
    {
      promised: 'no packet reaches Telegram twice',
      counted: `${repeated} twice`,
      held: repeated === 0,
    },
  ]
}
