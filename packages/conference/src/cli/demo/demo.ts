import { styleText } from 'node:util'
import type { Clock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import {
  type DemoOutcome,
  type DemoStage,
  demonstration,
  showPause as pause,
  showUntil as until,
  type Verdict,
} from '@holdfast/core/service'
import { type MovableClock, movableClock, seededRandom } from '@holdfast/core/testing'
import type { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { fasterClock } from '../../testing/faster-clock.js'
import { programName } from '../program-name.js'
import { Player } from './cast.js'
import { Chatter } from './chatter.js'

/** How many times as fast time passes for the peers: a minute of silence takes 7.5 s. */
const times = 8
const patienceMs = 60_000

/** `demo`: a conference that one peer drops out of, and comes back to. */
export function demoCommand(): Command {
  return demonstration({
    program: programName,
    live: createLogUpdate,
    play,
  })
}

/** What the scenes play with. */
interface Stage extends Pick<DemoStage, 'show' | 'act'> {
  readonly clock: MovableClock
  readonly players: readonly Player[]
  readonly host: Player
  /** To whom it happens. */
  readonly hero: Player
  readonly chatter: Chatter
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
    const verdicts = [
      {
        promised: 'friends of friends find each other',
        counted: `all five after ${seconds(together)}`,
        held: true,
      },
      ...(await loseNetwork(stage)),
      ...(await sleep(stage)),
      ...(await setBack(stage)),
      ...(await restart(stage)),
    ]
    chatter.stop()
    await until(clock, () => players.every((player) => chatter?.tally(player).missing === 0), 5000).catch(
      () => 0,
    )
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

/** A network goes, without a word; and comes again. */
async function loseNetwork({ clock, show, act, players, host, hero, chatter }: Stage): Promise<Verdict[]> {
  await pause(clock, 1500)
  await act('partition')
  show.scene(`${hero.name}'s network is gone, and nobody is told`)
  chatter.silence(hero, true)
  hero.network.isDown = true
  const others = players.filter((player) => player !== hero)
  const noticed = await until(clock, () => others.every((player) => player.sees(hero)?.frozen), patienceMs)
  const why = host.sees(hero)?.frozen?.why
  show.say(`${hero.name} is frozen for all others: ${why}; they talk on`)
  const stayed = others.every((player) => player.isWith(others))
  await pause(clock, 1500)
  show.scene(`${hero.name}'s network is back`)
  const before = hero.late
  hero.network.isDown = false
  const back = await until(clock, () => players.every((player) => player.isWith(players)), patienceMs)
  await until(clock, () => chatter.tally(hero).missing === 0, 5000).catch(() => 0)
  chatter.silence(hero, false)
  const missed = hero.late - before
  show.say(`${hero.name} is back for all, and was told ${missed} messages that it had missed`)
  return [
    {
      promised: 'a minute after its last word it is frozen, by all',
      counted: `${seconds(noticed * times)} of its time after the cut: ${why}`,
      // What was last heard of it may be one ping old.
      held: noticed * times > 38_000 && noticed * times < 80_000,
    },
    {
      promised: 'the others stay together meanwhile',
      counted: `${others.length} of ${others.length}`,
      held: stayed,
    },
    {
      promised: 'it is thawed by all when it is back',
      counted: `after ${seconds(back * times)} of its time`,
      held: true,
    },
    { promised: 'it is told what it missed', counted: `${missed} messages, told as late`, held: missed > 0 },
  ]
}

const hourMs = 3_600_000

/** All hosts sleep at once: none of them has heard of the others for an hour. */
async function sleep(stage: Stage): Promise<Verdict[]> {
  await stage.act('sleep')
  stage.show.scene('all hosts sleep for an hour (the clock of this demonstration is moved)')
  stage.clock.sleep(hourMs / times)
  return [await stillTogether(stage, 'an hour of sleep freezes nobody for good')]
}

async function setBack(stage: Stage): Promise<Verdict[]> {
  await stage.act('clock-step')
  stage.show.scene('the wall clock is set back by a day (by this demonstration)')
  stage.clock.setWall((-24 * hourMs) / times)
  return [await stillTogether(stage, 'a clock that is set back parts nobody')]
}

async function stillTogether({ clock, players, chatter }: Stage, promised: string): Promise<Verdict> {
  await pause(clock, 1500)
  const { length } = chatter.said
  const took = await until(
    clock,
    () =>
      chatter.said.length > length + players.length &&
      players.every((player) => player.isWith(players) && chatter.tally(player).missing <= 1),
    patienceMs,
    'all to be together, and to hear each other',
  )
  const heard = chatter.said.length - length
  return {
    promised,
    counted: `all five together, ${heard} messages later, after ${seconds((1500 + took) * times)} of their time`,
    held: true,
  }
}

/** A program ends as it should, and is started again from its files. */
async function restart({ clock, show, act, players, host, hero, chatter }: Stage): Promise<Verdict[]> {
  await act('goodbye')
  show.scene(`${hero.name} closes its program, and starts it again from its Tox save file`)
  const others = players.filter((player) => player !== hero)
  const { realKey } = hero.client.node
  const frozenFor = (player: Player): string | undefined =>
    player.client.conferences.get(0)?.members.find((member) => member.realKey === realKey)?.frozen?.why
  await hero.stop()
  const noticed = await until(
    clock,
    () => others.every((player) => frozenFor(player) !== undefined),
    patienceMs,
  )
  const words = others.map(frozenFor)
  show.say(`${hero.name} is frozen at once: ${words[0]}`)
  await pause(clock, 1500)
  const before = hero.late
  await hero.start([host.place])
  const back = await until(clock, () => players.every((player) => player.isWith(players)), patienceMs)
  await until(clock, () => chatter.tally(hero).missing === 0, 5000).catch(() => 0)
  return [
    {
      promised: 'who says goodbye is frozen at once',
      counted: `after ${noticed.toFixed(0)} ms: ${words[0]}`,
      held: words.every((why) => why === 'said-so'),
    },
    {
      promised: 'it goes on from its save file',
      counted: `back after ${seconds(back * times)} of its time, ${hero.late - before} missed messages told`,
      held: hero.late > before,
    },
  ]
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

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
