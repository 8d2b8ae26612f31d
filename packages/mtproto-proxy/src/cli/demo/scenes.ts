import { type DemoAct, showPause as pause, showUntil as until, type Verdict } from '@holdfast/core/service'
import { playDownloads } from './downloads.js'
import type { World } from './world.js'

/** What came of one scene. */
export interface Row {
  readonly title: string
  readonly closings: number
  readonly idleClosed: number
  readonly busyClosed: number
  readonly moved: number
  readonly midSend: number
  /** Packets of clients that stayed, which Telegram took and did not answer before it closed. */
  readonly lost: number
}

/** A kind of outage, and what must come of it. */
export interface Scene {
  readonly act: DemoAct
  readonly title: string
  /** Returns what of it is not in the row. */
  play(world: World): Promise<readonly Verdict[]>
  judge(row: Row): readonly Verdict[]
}

const quiet = 300
const patience = 60_000
const hourMs = 3_600_000

/** Plays a scene, counts what came of it, and judges it. */
export async function played(
  world: World,
  scene: Scene,
): Promise<{ readonly row: Row; readonly verdicts: readonly Verdict[] }> {
  const before = { ...world.crowd.tally(), ...(await world.migrations()), closings: world.closings }
  const verdicts = await scene.play(world)
  await pause(world.clock, quiet)
  const after = { ...world.crowd.tally(), ...(await world.migrations()), closings: world.closings }
  const row: Row = {
    title: scene.title,
    closings: after.closings - before.closings,
    idleClosed: after.idleClosed - before.idleClosed,
    busyClosed: after.busyClosed - before.busyClosed,
    moved: after.moved - before.moved,
    midSend: after.midSend - before.midSend,
    lost: Math.max(0, after.unanswered - before.unanswered),
  }
  return { row, verdicts: [...verdicts, ...scene.judge(row)] }
}

function idleStay(how: string): (row: Row) => Verdict {
  return ({ idleClosed }) => ({
    promised: `${how}: no idle client notices`,
    counted: `${idleClosed} closed`,
    held: idleClosed === 0,
  })
}

function nobodyCloses(how: string, { idleClosed, busyClosed }: Row): Verdict {
  const closed = idleClosed + busyClosed
  return { promised: `${how}: nobody at all is closed`, counted: `${closed} closed`, held: closed === 0 }
}

function onlyMidSend(how: string): (row: Row) => Verdict {
  return ({ busyClosed, midSend, closings }) => ({
    promised: `${how}: only whoever was mid-packet is closed, one per connection`,
    counted: `${busyClosed} closed, ${midSend} mid-packet, ${closings} connections`,
    held: busyClosed === midSend && midSend <= closings,
  })
}

function rotation(by: 'fin' | 'rst', name: string): Scene {
  return {
    act: 'kill',
    title: `Telegram closes every connection, one after another, by ${name}`,
    async play(world) {
      for (let round = 0; round < 2; round += 1) await world.rotate(by)
      return []
    },
    judge: (row) => [idleStay(`by ${name}`)(row), onlyMidSend(`by ${name}`)(row)],
  }
}

/** Everything that goes wrong in the demonstration, in order. */
export const scenes: readonly Scene[] = [
  {
    act: 'quiet',
    title: 'quiet waters: 200 clients, half of them send all the time',
    async play({ clock, crowd }) {
      crowd.join(100, { isBusy: false })
      crowd.join(100, { isBusy: true })
      await until(clock, () => crowd.isServed, patience, 'an answer for everybody')
      crowd.talk(200)
      await pause(clock, 1000)
      return []
    },
    judge: (row) => [nobodyCloses('undisturbed', row)],
  },
  rotation('fin', 'FIN'),
  rotation('rst', 'RST'),
  {
    act: 'half-open',
    title: 'half-open: a connection to Telegram goes dead, and nobody is told',
    async play(world) {
      await world.halfOpen()
      await until(world.clock, () => world.links.parked === 0, patience, 'everybody to have a connection')
      return []
    },
    judge: (row) => [idleStay('half-open')(row), onlyMidSend('half-open')(row)],
  },
  {
    act: 'partition',
    title: 'Telegram resets all connections at once, and is slow to take new ones',
    async play(world) {
      world.telegram.rules.handshakeDelay = 500
      world.closeAll('rst')
      await until(world.clock, () => world.links.ready === 0, patience, 'all connections to be gone')
      await until(
        world.clock,
        () => world.links.ready > 0 && world.links.parked === 0,
        patience,
        'everybody to have a connection',
      )
      world.telegram.rules.handshakeDelay = 0
      return []
    },
    judge: (row) => [idleStay('all at once')(row), onlyMidSend('all at once')(row)],
  },
  {
    act: 'partition',
    title: 'with resend_unsent: every connection by RST again',
    async play(world) {
      world.resendUnsent()
      await world.rotate('rst')
      return []
    },
    judge: (row) => [nobodyCloses('with resend_unsent', row)],
  },
  {
    act: 'slow-reader',
    title: 'slow readers: two clients download, and stop reading',
    play: (world) => playDownloads(world),
    judge: (row) => [nobodyCloses('all others', row)],
  },
  {
    act: 'sleep',
    title: 'the host sleeps for an hour (the clock of this demonstration is moved)',
    async play({ clock }) {
      clock.sleep(hourMs)
      await pause(clock, 1500)
      return []
    },
    judge: (row) => [nobodyCloses('an hour of sleep', row)],
  },
  {
    act: 'clock-step',
    title: 'the wall clock is set back by a day (the clock of this demonstration is moved)',
    async play({ clock }) {
      clock.setWall(-24 * hourMs)
      await pause(clock, 1000)
      return []
    },
    judge: (row) => [nobodyCloses('a clock that is set', row)],
  },
]

/** The end: the proxy drains, as at SIGTERM. */
export async function drainVerdict({ proxy, telegram, crowd, clock }: World): Promise<Verdict> {
  crowd.hush()
  await pause(clock, quiet)
  const { open, unanswered } = crowd.tally()
  // Telegram has to know them all on the connections where they are now.
  crowd.ask()
  await until(clock, () => crowd.tally().unanswered <= unanswered, patience, 'an answer for everybody')
  const told = telegram.stats.closeConns
  const { cut, took } = await proxy.drain({ within: 5000 })
  await until(clock, () => telegram.stats.closeConns - told >= open, 5000).catch(() => 0)
  const goodbyes = telegram.stats.closeConns - told
  return {
    promised: 'a drain cuts no packet, and tells Telegram of every client',
    counted: `${cut.length} cut, ${goodbyes} of ${open} told, in ${took.toFixed(0)} ms`,
    held: cut.length === 0 && goodbyes === open,
  }
}
