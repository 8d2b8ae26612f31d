import { describe, expect, it } from 'vitest'
import type { Disturbance } from '../src/index.js'
import { movableClock, VirtualClock } from '../src/testing/index.js'

describe('a movable clock', () => {
  it('counts sleep in marks and wall time, not in monotonic time, and tells it', () => {
    const inner = new VirtualClock()
    const clock = movableClock(inner)
    const told: Disturbance[] = []
    const off = clock.onDisturbance((d) => told.push(d))
    const [mark, now, wall] = [clock.mark(), clock.now(), clock.wall()]
    clock.sleep(1000)
    expect([clock.since(mark), clock.now() - now, clock.wall() - wall]).toEqual([1000, 0, 1000])
    expect(clock.since(clock.mark())).toBe(0)
    off()
    clock.sleep(1)
    expect(told).toEqual([{ kind: 'slept', by: 1000 }])
  })

  it('sets wall time alone', () => {
    const inner = new VirtualClock()
    const clock = movableClock(inner)
    const told: Disturbance[] = []
    clock.onDisturbance((d) => told.push(d))
    const [mark, wall] = [clock.mark(), clock.wall()]
    clock.setWall(-5000)
    expect([clock.since(mark), clock.wall() - wall]).toEqual([0, -5000])
    expect(told).toEqual([{ kind: 'wall-step', by: -5000 }])
  })

  it('runs the timers of the other clock, and tells its disturbances', () => {
    const inner = new VirtualClock()
    const clock = movableClock(inner)
    let ran = 0
    clock.after(10, () => (ran += 1))
    clock.sleep(60_000)
    expect(ran).toBe(0)
    inner.advance(10)
    expect(ran).toBe(1)
  })
})
