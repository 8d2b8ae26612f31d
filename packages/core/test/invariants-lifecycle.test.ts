import { fc, test } from '@fast-check/vitest'
import {
  type Admission,
  type Endpoint,
  end,
  type Link,
  type LinkSink,
  lifecycle,
  nextLinkId,
} from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import { describe, expect } from 'vitest'
import { anySchedule, Rig, type Schedule } from './lifecycle-rig.js'

/** Enough that every phase is reached in hundreds of schedules. */
const runs = { numRuns: 250 }

async function performed({ deeds, ...how }: Schedule): Promise<Rig> {
  return new Rig(how).run(deeds).finish()
}

/** A link that goes on opening after it was destroyed, as some transports do. */
class StubbornLink implements Link {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint = { uri: 'memory:a' }
  readonly accepted = 0
  readonly unflushed = 0
  phase: Link['phase'] = 'opening'
  destroyed = 0
  readonly #sink: LinkSink

  constructor(sink: LinkSink) {
    this.#sink = sink
  }

  write(): 'refused' {
    return 'refused'
  }
  pause(): () => void {
    return () => undefined
  }
  end(): void {
    this.destroy()
  }
  destroy(): void {
    this.destroyed += 1
    if (this.phase !== 'opening') this.phase = 'ended'
  }
  open(): void {
    this.phase = 'open'
    this.#sink.opened()
  }
}

describe('a lifecycle to which anything is done in any order', () => {
  test.prop([anySchedule], runs)(
    'I1: has at most one un-ended link, and adopt ends what it replaces first',
    async (s) => {
      expect((await performed(s)).broken('I1')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I2: lets no callback, timer or ticket of a link run after its end',
    async (s) => {
      expect((await performed(s)).broken('I2')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I3: has no link and no timer but retryAt in idle, waiting, closed and failed',
    async (s) => {
      expect((await performed(s)).broken('I3')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I4: holds the process until its end, and after it neither dials nor waits',
    async (s) => {
      expect((await performed(s)).broken('I4')).toEqual([])
    },
  )

  test.prop([fc.constantFrom('close', 'restart', 'adopt', 'drain', 'timeout'), fc.nat(50)])(
    'I5: destroys a link that opens when it is no longer wanted, in the same turn',
    (deed, later) => {
      const env = testEnv()
      const links: StubbornLink[] = []
      const dial = (_to: Endpoint, sink: LinkSink): StubbornLink => {
        const link = new StubbornLink(sink)
        links.push(link)
        return link
      }
      let made = 0
      const protocol = (): object => {
        made += 1
        return {}
      }
      const life = lifecycle({
        env,
        dialer: { dial },
        endpoints: [{ uri: 'memory:a' }],
        protocol,
        dialWithin: 500,
      })
      life.start()
      const first = links[0]!
      if (deed === 'close') life.close()
      if (deed === 'restart') life.restart(end('protocol-error'))
      if (deed === 'adopt') life.adopt((sink) => dial({ uri: 'memory:b' }, sink), { uri: 'memory:b' })
      if (deed === 'drain') void life.drain()
      if (deed === 'timeout') env.clock.advance(500)
      env.clock.advance(later)
      first.open()
      expect({ phase: first.phase, destroyed: first.destroyed, made }).toEqual({
        phase: 'ended',
        destroyed: 2,
        made: 0,
      })
      life.close()
    },
  )

  test.prop([anySchedule], runs)('I6: dials with one granted admission, and leaves it once', async (s) => {
    const rig = await performed(s)
    expect(rig.broken('I6')).toEqual([])
    expect(rig.leaves).toBe(rig.grants)
  })

  test.prop([anySchedule], runs)(
    'I7: counts attempts from 0, and honours now, only after a stable link',
    async (s) => {
      expect((await performed(s)).broken('I7')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I8: waits between floor and cap, and never less than a given after',
    async (s) => {
      expect((await performed(s)).broken('I8')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)('I9: tells every subscriber the same legal sequence', async (s) => {
    const rig = await performed(s)
    expect(rig.broken('I9')).toEqual([])
    expect(rig.told[1]).toEqual(rig.told[0])
  })

  test.prop([anySchedule], runs)(
    'I10: ends the link of a hook that throws, and harms no other',
    async (s) => {
      expect((await performed(s)).broken('I10')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)(
    'I11: settles a drain by its deadline, and admits nothing meanwhile',
    async (s) => {
      expect((await performed(s)).broken('I11')).toEqual([])
    },
  )

  test.prop([anySchedule], runs)('I12: settles a drain that a ticket holder awaits', async (s) => {
    expect((await performed(s)).broken('I12')).toEqual([])
  })

  test.prop([anySchedule], runs)(
    'current is the object of the ready link, and null without one',
    async (s) => {
      expect((await performed(s)).violations).toEqual([])
    },
  )
})

describe('many lifecycles at one admission gate', () => {
  test.prop([fc.integer({ min: 1, max: 30 }), fc.array(fc.nat(29)), fc.integer({ min: 1, max: 4 })])(
    'I25: the queue holds each of them at most once, and none that was closed',
    (count, closed, atOnce) => {
      const env = testEnv()
      const queued = new Set<string>()
      const admission: Admission = {
        get waiting() {
          return queued.size
        },
        enter(who, go) {
          expect(queued.has(who)).toBe(false)
          queued.add(who)
          if (queued.size <= atOnce) go(() => queued.delete(who))
          return () => queued.delete(who)
        },
      }
      const lives = Array.from({ length: count }, (_, index) =>
        lifecycle({
          env: { ...env, admission, name: `life ${index}` },
          dialer: { dial: (_to, sink) => new StubbornLink(sink) },
          endpoints: [{ uri: 'memory:a' }],
          protocol: () => ({}),
        }),
      )
      for (const life of lives) life.start()
      for (const index of closed) lives[index]?.close()
      const open = lives.filter((life) => life.state.phase !== 'closed')
      expect(admission.waiting).toBeLessThanOrEqual(open.length)
      for (const life of lives) life.close()
      expect(admission.waiting).toBe(0)
      expect(env.clock.nextAt).toBeNull()
    },
  )
})
