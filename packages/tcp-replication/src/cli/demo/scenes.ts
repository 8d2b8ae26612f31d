import type { Clock, Millis } from '@holdfast/core'
import { type DemoAct, showPause as pause, type Verdict } from '@holdfast/core/service'
import type { ChaosProxy, MovableClock } from '@holdfast/core/testing'
import { type DemoFollower, followerKeepalive } from './follower.js'
import type { Oracle } from './oracle.js'
import type { ServerProcess } from './server-process.js'
import { type Noticed, until, untilNoticed, within } from './waits.js'
import type { Writer } from './writer.js'

/** What the scenes play with. */
export interface Stage {
  readonly clock: MovableClock
  readonly server: ServerProcess
  readonly proxy: ChaosProxy
  readonly writer: Writer
  readonly oracle: Oracle
  readonly worker: DemoFollower
  readonly slow: DemoFollower
  /** Says what happens. */
  say(text: string): void
}

/** An outage, and what must come of it. */
export interface Scene {
  readonly act: DemoAct
  readonly title: string
  play(stage: Stage): Promise<Verdict[]>
}

const hourMs = 3_600_000
const awayMs: Millis = 3000

/** Waits until a follower has applied everything that is acknowledged now. Returns how long it took. */
export function untilCurrent(clock: Clock, { name, witness }: DemoFollower, oracle: Oracle): Promise<Millis> {
  const heads = [...oracle.heads]
  return until(clock, `the ${name} to have applied all that was acknowledged`, () =>
    heads.every(([stream, head]) => witness.at(stream) >= head),
  )
}

async function backAfter({ clock, worker }: Pick<Stage, 'clock' | 'worker'>, links: number): Promise<Millis> {
  return until(clock, 'the worker to be connected again', () => {
    return worker.links > links && worker.client.state.phase === 'ready'
  })
}

/** Until the worker has noticed that its line is dead, which so long a silence tells it; and what that comes to. */
async function untilDead({ clock, worker }: Stage, silence: Millis): Promise<Noticed> {
  const isDead = (): boolean => worker.client.state.phase !== 'ready'
  return untilNoticed(clock, 'the worker to notice', silence, isDead)
}

function replaced(promised: string, { after, atMost }: Noticed, back: Millis): Verdict {
  const limit = `noticed after ${after.toFixed(0)} ms, at most ${atMost.toFixed(0)}`
  return { promised, counted: `${limit}; replaced ${back.toFixed(0)} ms later`, held: after <= atMost }
}

const { hearWithin } = followerKeepalive

/** Everything that goes wrong in the demonstration, in order. */
export const scenes: readonly Scene[] = [
  {
    act: 'quiet',
    title: 'quiet waters: rows flow from the writer through the server to the worker',
    async play({ clock, oracle, worker }) {
      await until(clock, 'the first 300 batches', () => {
        return oracle.batches > 300 && worker.client.state.phase === 'ready'
      })
      return []
    },
  },
  {
    act: 'kill',
    title: 'kill -9 of the server in the middle of writing, then a restart',
    async play(stage) {
      const { links } = stage.worker
      const before = stage.oracle.heads
      await stage.server.kill9()
      stage.say('the server is dead')
      await pause(stage.clock, 500)
      await stage.server.start()
      const back = await backAfter(stage, links)
      const positions = (await stage.server.status())?.server.positions ?? {}
      const lost = [...before].filter(([stream, head]) => (positions[stream] ?? 0) < head).length
      return [
        {
          promised: 'the log loses nothing acknowledged by a kill -9',
          counted: `${lost} streams behind`,
          held: lost === 0,
        },
        {
          promised: 'the worker is back after the restart',
          counted: `after ${back.toFixed(0)} ms`,
          held: true,
        },
      ]
    },
  },
  {
    act: 'half-open',
    title: 'half-open: the line goes dead, and nobody is told',
    async play(stage) {
      const { links } = stage.worker
      stage.proxy.freeze()
      const noticed = await untilDead(stage, hearWithin)
      const back = await backAfter(stage, links)
      stage.proxy.reset()
      const promised = `a dead line is noticed after ${hearWithin} ms and at most a quarter more, and replaced`
      return [replaced(promised, noticed, back)]
    },
  },
  {
    act: 'partition',
    title: 'a partition: there is no way to the server for three seconds, and rows go on',
    async play({ clock, proxy, worker, oracle, ...stage }) {
      const { links } = worker
      const before = oracle.batches
      proxy.rules.newcomers = 'refuse'
      proxy.reset()
      await pause(clock, awayMs)
      const missed = oracle.batches - before
      proxy.rules.newcomers = 'forward'
      stage.say(`the network is back; the worker has missed ${missed} batches`)
      const back = await backAfter({ clock, worker }, links)
      const current = await untilCurrent(clock, worker, oracle)
      const { gaps } = worker.witness.tally()
      return [
        {
          promised: 'what was written during a partition is caught up with, in order',
          counted: `${missed} batches, after ${(back + current).toFixed(0)} ms, ${gaps} gaps`,
          held: missed > 0 && gaps === 0,
        },
      ]
    },
  },
  {
    act: 'slow-reader',
    title: 'a slow reader: one client stops reading while 12 MB come in',
    async play(stage) {
      const { clock, slow, worker, oracle, writer } = stage
      slow.stall()
      for (let burst = 0; burst < 24; burst += 1) await writer.burst('events', 500, 1000)
      const took = await untilCurrent(clock, worker, oracle)
      const behind = oracle.batches - slow.witness.tally().batches
      stage.say(`the slow reader is ${behind} batches behind; the worker is current`)
      slow.resume()
      await untilCurrent(clock, slow, oracle)
      const { gaps } = slow.witness.tally()
      return [
        {
          promised: 'a slow reader delays nobody else',
          counted: `the worker was current after ${took.toFixed(0)} ms`,
          held: behind > 0,
        },
        {
          promised: 'a slow reader loses nothing once it reads again',
          counted: `${behind} batches caught up, ${gaps} gaps`,
          held: gaps === 0,
        },
      ]
    },
  },
  {
    act: 'sleep',
    title: 'the host sleeps for an hour (the clock of this demonstration is moved), and its line is dead',
    async play(stage) {
      const { links } = stage.worker
      stage.proxy.freeze()
      // What was on its way must have come: read after the waking it would be a sign of life.
      await pause(stage.clock, 200)
      stage.clock.sleep(hourMs)
      // Who was asleep waits half as long as usual.
      const noticed = await untilDead(stage, hearWithin / 2)
      const back = await backAfter(stage, links)
      return [replaced('whoever wakes asks at once whether the line lives', noticed, back)]
    },
  },
  {
    act: 'clock-step',
    title: 'the wall clock is set back by a day (the clock of this demonstration is moved)',
    async play({ worker, clock, oracle }) {
      const { links } = worker
      clock.setWall(-24 * hourMs)
      await pause(clock, 1000)
      await untilCurrent(clock, worker, oracle)
      const counted = `${worker.links - links} connections lost`
      return [
        { promised: 'no connection is lost to a clock that is set', counted, held: worker.links === links },
      ]
    },
  },
  {
    act: 'goodbye',
    title: 'the worker dies, and is started again from its stored positions',
    async play(stage) {
      const { worker } = stage
      const { links } = worker
      await within(stage.clock, 'the worker to start', worker.restart())
      const took = await backAfter(stage, links)
      return [
        {
          promised: 'a worker goes on from its stored positions',
          counted: `after ${took.toFixed(0)} ms`,
          held: true,
        },
      ]
    },
  },
  {
    act: 'goodbye',
    title: 'the server is restarted in an orderly way',
    async play(stage) {
      const { links } = stage.worker
      await stage.server.stop()
      stage.say('the server said goodbye and is gone')
      await stage.server.start()
      const took = await backAfter(stage, links)
      return [
        {
          promised: 'an orderly restart is survived too',
          counted: `back after ${took.toFixed(0)} ms`,
          held: true,
        },
      ]
    },
  },
]
