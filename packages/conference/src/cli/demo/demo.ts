import { styleText } from 'node:util'
import type { Clock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import {
  type DemoOutcome,
  type DemoStage,
  demonstration,
  showUntil as until,
  type Verdict,
} from '@holdfast/core/service'
import { movableClock, seededRandom } from '@holdfast/core/testing'
import type { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { fasterClock } from '../../testing/faster-clock.js'
import { programName } from '../program-name.js'
import { Player } from './cast.js'
import { Chatter } from './chatter.js'
import { patienceMs, type Stage, scenes, seconds, times, untilTold } from './scenes.js'

/** `demo`: a conference whose peers die, drop out, fall apart and come back, in half a minute. */
export function demoCommand(): Command {
  return demonstration({
    program: programName,
    live: createLogUpdate,
    play,
  })
}

/** Plays it, alone or as a part of a greater storm. */
export async function play({ folder, show, seed, act }: DemoStage): Promise<DemoOutcome> {
  const random = seededRandom(seed)
  const host = nodeEnv({ name: 'conference', random })
  const clock = movableClock(host.clock)
  const env = nodeEnv({ name: 'conference', random, clock: fasterClock(clock, times) })
  const players = ['ada', 'ben', 'cleo', 'dov', 'eve'].map((name) => new Player(name, env, folder))
  const [ada, ...guests] = players
  const hero = guests[Math.floor(random() * guests.length)]
  if (!ada || !hero) throw new Error('nobody plays')
  const drawing = clock.sweep(200, () => show.draw(() => statusLines(players, hero)))
  let chatter: Chatter | null = null
  try {
    await act('quiet')
    show.scene('five peers, each a whole Tox node with a UDP port of its own; only ada is everybody’s friend')
    show.say(`their clocks run ${times} times as fast as ours`)
    const together = await assemble(clock, ada, players)
    chatter = new Chatter(clock, players)
    const stage: Stage = { clock, show, act, players, host: ada, hero, chatter }
    const verdicts: Verdict[] = [
      {
        promised: 'friends of friends find each other',
        counted: `all five after ${seconds(together)}`,
        held: true,
      },
    ]
    for (const scene of scenes) verdicts.push(...(await scene(stage)))
    chatter.stop()
    await untilTold(stage, players)
    verdicts.push(...players.map((player) => promiseOf(player, stage.chatter)))
    return { verdicts }
  } finally {
    chatter?.stop()
    drawing.cancel()
    for (const player of players) await player.stop()
  }
}

async function assemble(clock: Clock, host: Player, players: readonly Player[]): Promise<number> {
  const began = clock.now()
  await host.start([])
  host.client.conferences.create()
  for (const guest of players.filter((player) => player !== host)) {
    await guest.start([host.place])
    guest.befriend(host)
    const { realKey } = guest.client.node
    await until(clock, () => host.client.node.friends.all.get(realKey)?.isOnline === true, patienceMs)
    host.client.conferences.invite(0, realKey)
  }
  await until(clock, () => players.every((player) => player.isWith(players)), patienceMs)
  return clock.now() - began
}

function promiseOf(player: Player, chatter: Chatter): Verdict {
  const { missing, repeated } = chatter.tally(player)
  return {
    promised: `${player.name}: has everything that was said, once`,
    counted: `${chatter.said.length} said, ${missing} missing, ${repeated} repeated, ${player.late} late`,
    held: missing === 0 && repeated === 0,
  }
}

function statusLines(players: readonly Player[], hero: Player): string[] {
  return players.map((player) => {
    const members = player.isRunning ? (player.client.conferences.get(0)?.members ?? []) : []
    const live = members.filter(({ frozen }) => frozen === null).length
    const state = !player.isRunning ? 'closed' : player.network.isDown ? 'no network' : 'running'
    const colour = state === 'running' ? 'green' : 'red'
    const mark = player === hero ? '→' : ' '
    return ` ${mark}${player.name.padEnd(6)} ${styleText(colour, state.padEnd(11))} sees ${live} live and ${members.length - live} frozen, heard ${player.heard.length}`
  })
}
