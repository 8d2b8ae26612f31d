import { fc, test } from '@fast-check/vitest'
import { type Disturbance, type Timer } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

describe('the virtual clock', () => {
  test.prop([
    fc.array(fc.record({ ms: fc.nat(1000), cancelled: fc.boolean() }), { maxLength: 200 }),
    fc.array(fc.nat(400), { maxLength: 10 }),
  ])(
    'runs timers in order of time, then of arrival, each once, and none that was cancelled',
    (timers, steps) => {
      const clock = new VirtualClock()
      const rung: { at: number; index: number; now: number }[] = []
      const made: Timer[] = timers.map(({ ms }, index) =>
        clock.after(ms, () => rung.push({ at: ms, index, now: clock.now() })),
      )
      for (const [index, timer] of made.entries()) {
        if (timers[index]?.cancelled === true) timer.cancel()
      }
      for (const ms of [0, ...steps]) clock.advance(ms)
      const until = clock.now()
      const expected = timers
        .map(({ ms, cancelled }, index) => ({ at: ms, index, now: ms, cancelled }))
        .filter(({ at, cancelled }) => at <= until && !cancelled)
        .sort((a, b) => a.at - b.at || a.index - b.index)
        .map(({ at, index, now }) => ({ at, index, now }))
      expect(rung).toEqual(expected)
      expect(clock.pending).toBe(timers.filter(({ ms, cancelled }) => ms > until && !cancelled).length)
    },
  )

  it('keeps its order when a timer in the middle is cancelled and the last takes its place', () => {
    const clock = new VirtualClock()
    const rung: number[] = []
    const timers = [1, 10, 2, 11, 12, 3, 4].map((ms) => clock.after(ms, () => rung.push(ms)))
    timers[3]?.cancel()
    for (const ms of [13, 14, 15, 16]) clock.after(ms, () => rung.push(ms))
    clock.advance(20)
    expect(rung).toEqual([1, 2, 3, 4, 10, 12, 13, 14, 15, 16])
  })

  it('runs in the same advance what a timer starts, if it falls due', () => {
    const clock = new VirtualClock()
    const rung: number[] = []
    clock.after(10, () => clock.after(5, () => rung.push(clock.now())))
    clock.advance(20)
    expect(rung).toEqual([15])
  })

  it('counts only timers that hold a process as pending', () => {
    const clock = new VirtualClock()
    clock.after(1, () => undefined).unref()
    const timer = clock.after(1, () => undefined)
    clock.sweep(10, () => undefined)
    expect(clock.pending).toBe(1)
    timer.cancel()
    expect(clock.pending).toBe(0)
  })

  it('I24: sleep moves what retention is measured by, and no timer', () => {
    const clock = new VirtualClock(1000)
    const mark = clock.mark()
    const rung: number[] = []
    clock.after(100, () => rung.push(clock.now()))
    clock.sleep(60_000)
    clock.advance(99)
    expect({ rung, now: clock.now(), wall: clock.wall(), since: clock.since(mark) }).toEqual({
      rung: [],
      now: 99,
      wall: 61_099,
      since: 60_099,
    })
  })

  it('I24: a step of the wall clock moves nothing else', () => {
    const clock = new VirtualClock(1000)
    const mark = clock.mark()
    clock.stepWall(-86_400_000)
    expect({ now: clock.now(), since: clock.since(mark) }).toEqual({ now: 0, since: 0 })
  })

  it('a stall lets time pass and runs nothing until the next advance', () => {
    const clock = new VirtualClock()
    const rung: number[] = []
    clock.after(10, () => rung.push(clock.now()))
    clock.stall(500)
    expect(rung).toEqual([])
    clock.advance(0)
    expect(rung).toEqual([500])
  })

  it('tells of every disturbance, until told not to', () => {
    const clock = new VirtualClock()
    const told: Disturbance[] = []
    const off = clock.onDisturbance((d) => told.push(d))
    clock.sleep(1)
    clock.stall(2)
    clock.stepWall(-3)
    off()
    clock.sleep(4)
    expect(told).toEqual([
      { kind: 'slept', by: 1 },
      { kind: 'stalled', by: 2 },
      { kind: 'wall-step', by: -3 },
    ])
  })

  it('gives promises their turn between timers, where asked to', async () => {
    const clock = new VirtualClock()
    const order: string[] = []
    clock.after(1, () => void Promise.resolve().then(() => order.push('promise')))
    clock.after(2, () => order.push('timer'))
    await clock.advanceAsync(2)
    expect(order).toEqual(['promise', 'timer'])
  })

  it('sweeps at the same interval share one timer, and one that stops does not stop the others', () => {
    const clock = new VirtualClock()
    const told: string[] = []
    const a = clock.sweep(10, () => told.push('a'))
    clock.sweep(10, (now) => {
      told.push(`b ${now}`)
      clock.sweep(10, () => told.push('c'))
    })
    clock.advance(10)
    a.cancel()
    a.cancel()
    expect(told).toEqual(['a', 'b 10'])
    clock.advance(10)
    expect(told).toEqual(['a', 'b 10', 'b 20', 'c'])
  })
})
