import { type DemoOutcome, type DemoStage, demonstration, type Verdict } from '@holdfast/core/service'
import type { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { programName } from '../program-name.js'
import { drainVerdict, played, type Row, scenes } from './scenes.js'
import { describeRows, statusLines } from './view.js'
import { World } from './world.js'

/** `demo`: clients that do not notice that connections to Telegram die, in a quarter of a minute. */
export function demoCommand(): Command {
  return demonstration({
    program: programName,
    live: createLogUpdate,
    play,
  })
}

/** Plays it, alone or as a part of a greater storm. */
export async function play({
  show,
  seed,
  act,
}: DemoStage): Promise<DemoOutcome & { readonly rows: readonly Row[] }> {
  await using world = await World.start(seed)
  const drawing = world.clock.sweep(200, () => show.draw(() => statusLines(world)))
  const rows: Row[] = []
  const verdicts: Verdict[] = []
  try {
    for (const scene of scenes) {
      await act(scene.act)
      show.scene(scene.title)
      const came = await played(world, scene)
      rows.push(came.row)
      verdicts.push(...came.verdicts)
      world.crowd.rejoin()
    }
    await act('goodbye')
    show.scene('the proxy is stopped')
    verdicts.push(await drainVerdict(world), ...totals(world))
  } finally {
    drawing.cancel()
  }
  show.say(describeRows(rows))
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
