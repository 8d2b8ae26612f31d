import { type DemoStage, showPause as pause, showUntil as until, type Verdict } from '@holdfast/core/service'
import type { MovableClock } from '@holdfast/core/testing'
import type { Player } from './cast.js'
import type { Chatter } from './chatter.js'

/** How many times as fast time passes for the peers: a minute of silence takes 6 s. */
export const times = 10
/** How long anything may take, on a busy machine too. */
export const patienceMs = 60_000

/** What the scenes play with. */
export interface Stage extends Pick<DemoStage, 'show' | 'act'> {
  readonly clock: MovableClock
  readonly players: readonly Player[]
  readonly host: Player
  /** To whom it happens. */
  readonly hero: Player
  readonly chatter: Chatter
}

const hourMs = 3_600_000
const awayMs = 700
const toldWithinMs = 20_000

/** A duration, for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function untilTogether({ clock, players }: Stage): Promise<number> {
  return until(
    clock,
    () => players.every((player) => player.isWith(players)),
    patienceMs,
    'all to be together',
  )
}

/** Waits until these have heard all that was said by now. Returns how much of it they have not even then. */
export async function untilTold({ clock, chatter }: Stage, players: readonly Player[]): Promise<number> {
  const { length } = chatter.said
  const missing = (): number =>
    players.reduce((sum, player) => sum + chatter.tally(player, length).missing, 0)
  await until(clock, () => missing() === 0, toldWithinMs).catch(() => 0)
  return missing()
}

/** A program dies without a word, and is started again from what it had on disk. */
async function crash(stage: Stage): Promise<Verdict[]> {
  const { clock, show, act, players, host, hero, chatter } = stage
  await pause(clock, awayMs)
  await act('kill')
  show.scene(
    `${hero.name}'s program is killed: what is on its disk must do (its goodbye and its last save are taken back)`,
  )
  // What it says in its last moment nobody may have heard.
  chatter.silence(hero, true)
  await untilTold(stage, players)
  await hero.crash()
  await pause(clock, awayMs)
  const before = hero.late
  await hero.start([host.place])
  await untilTogether(stage)
  const missing = await untilTold(stage, [hero])
  chatter.silence(hero, false)
  const { repeated } = chatter.tally(hero)
  return [
    {
      promised: 'who is killed goes on from its files, and is told what it missed',
      counted: `${hero.late - before} messages told, ${missing} missing, ${repeated} repeated`,
      held: hero.late > before && missing === 0 && repeated === 0,
    },
  ]
}

/** A network goes, without a word; and comes again. */
async function loseNetwork(stage: Stage): Promise<Verdict[]> {
  const { clock, show, act, players, host, hero, chatter } = stage
  await act('half-open')
  show.scene(`${hero.name}'s network is gone, and nobody is told`)
  chatter.silence(hero, true)
  hero.network.isDown = true
  const others = players.filter((player) => player !== hero)
  const noticed = await until(clock, () => others.every((player) => player.sees(hero)?.frozen), patienceMs)
  const why = host.sees(hero)?.frozen?.why
  show.say(`${hero.name} is frozen for all others: ${why}; they talk on`)
  const stayed = others.every((player) => player.isWith(others))
  await pause(clock, awayMs)
  show.scene(`${hero.name}'s network is back`)
  const before = hero.late
  hero.network.isDown = false
  const back = await untilTogether(stage)
  await untilTold(stage, [hero])
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

/** Two halves that do not reach each other talk on, each for itself. */
async function split(stage: Stage): Promise<Verdict[]> {
  const { clock, show, act, players, host, hero, chatter } = stage
  await act('partition')
  const here = [host, players.find((player) => player !== host && player !== hero) ?? host]
  const there = players.filter((player) => !here.includes(player))
  const names = (half: readonly Player[]): string => half.map(({ name }) => name).join(' and ')
  show.scene(`the network falls apart: ${names(here)} here, ${names(there)} there; all talk on`)
  for (const player of here) player.cutOff(there)
  for (const player of there) player.cutOff(here)
  const isApart = (): boolean =>
    here.every((one) => there.every((other) => one.sees(other)?.frozen && other.sees(one)?.frozen))
  await until(clock, isApart, patienceMs, 'both halves to freeze each other')
  const stayed = here.every((player) => player.isWith(here)) && there.every((player) => player.isWith(there))
  const missed = [here, there].map((half) => Math.max(...half.map((player) => chatter.tally(player).missing)))
  show.say('each half has frozen the other one; the network grows together')
  for (const player of players) player.cutOff([])
  const back = await untilTogether(stage)
  const left = await untilTold(stage, players)
  return [
    {
      promised: 'two halves stay together, each for itself',
      counted: `${here.length} and ${there.length} peers; they missed ${missed.join(' and ')} messages`,
      held: stayed,
    },
    {
      promised: 'they become one again, and tell each other what was said',
      counted: `all five after ${seconds(back * times)} of their time, ${left} missing`,
      held: missed.every((count) => count > 0) && left === 0,
    },
  ]
}

/** Messages that are said while somebody does not read. */
const burst = 100

/** One of them reads nothing for a while. */
async function stopReading(stage: Stage): Promise<Verdict[]> {
  const { clock, show, act, players, hero, chatter } = stage
  await act('slow-reader')
  show.scene(`${hero.name}'s program reads nothing for a while, and ${burst} messages come`)
  const others = players.filter((player) => player !== hero)
  chatter.silence(hero, true)
  hero.network.stall()
  const began = clock.now()
  for (let said = 0; said < burst; said += 10) {
    chatter.burst(10)
    await pause(clock, 50)
  }
  const late = await untilTold(stage, others)
  const took = clock.now() - began
  const behind = chatter.tally(hero).missing
  show.say(`${hero.name} is ${behind} messages behind, the others have them all`)
  hero.network.resume()
  const missing = await untilTold(stage, [hero])
  chatter.silence(hero, false)
  return [
    {
      promised: 'who does not read delays nobody else',
      counted: `the others had all after ${took.toFixed(0)} ms, ${late} missing`,
      held: behind >= burst && late === 0,
    },
    {
      promised: 'it has missed nothing once it reads again',
      counted: `${behind} messages behind, then ${missing}`,
      held: missing === 0,
    },
  ]
}

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
  await pause(clock, awayMs)
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
    counted: `all five together, ${heard} messages later, after ${seconds((awayMs + took) * times)} of their time`,
    held: true,
  }
}

/** A program ends as it should, and is started again from its files. */
async function restart(stage: Stage): Promise<Verdict[]> {
  const { clock, show, act, players, host, hero } = stage
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
  await pause(clock, awayMs)
  const before = hero.late
  await hero.start([host.place])
  const back = await untilTogether(stage)
  await untilTold(stage, [hero])
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

/** All that goes wrong, in order. */
export const scenes: readonly ((stage: Stage) => Promise<Verdict[]>)[] = [
  crash,
  loseNetwork,
  split,
  stopReading,
  sleep,
  setBack,
  restart,
]
