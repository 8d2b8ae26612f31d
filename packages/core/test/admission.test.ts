import { fc, test } from '@fast-check/vitest'
import { admission } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

function doorWith(options: { atOnce?: number; perSecond?: number }) {
  const clock = new VirtualClock()
  const door = admission({ clock, ...options })
  const admitted: { who: number; at: number; leave: () => void }[] = []
  const enter = (who: number) =>
    door.enter(`${who}`, (leave) => admitted.push({ who, at: clock.now(), leave }))
  return { clock, door, admitted, enter }
}

describe('the admission gate', () => {
  it('lets no more in at once than it may, and the next when one leaves', () => {
    const { door, admitted, enter } = doorWith({ atOnce: 2, perSecond: Infinity })
    for (const who of [1, 2, 3, 4]) enter(who)
    expect(admitted.map(({ who }) => who)).toEqual([1, 2])
    expect(door.waiting).toBe(2)
    admitted[0]?.leave()
    expect(admitted.map(({ who }) => who)).toEqual([1, 2, 3])
  })

  it('I6: leaving twice is leaving once', () => {
    const { door, admitted, enter } = doorWith({ atOnce: 1, perSecond: Infinity })
    for (const who of [1, 2, 3]) enter(who)
    admitted[0]?.leave()
    admitted[0]?.leave()
    expect(admitted.map(({ who }) => who)).toEqual([1, 2])
    expect(door.waiting).toBe(1)
  })

  it('lets a tenth of a second’s worth in at once, the rest evenly spaced', () => {
    const { clock, admitted, enter } = doorWith({ atOnce: 1000, perSecond: 100 })
    clock.advance(5000)
    for (let who = 0; who < 30; who += 1) enter(who)
    expect(admitted.length).toBe(10)
    clock.advance(100)
    expect(admitted.length).toBe(20)
    expect(admitted.slice(10).map(({ at }) => at - 5000)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
  })

  test.prop([
    fc.integer({ min: 1, max: 1000 }),
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 }),
  ])('starts no more in any second than it may, and one burst', (perSecond, gaps) => {
    const { clock, admitted, enter } = doorWith({ atOnce: 10_000, perSecond })
    for (const [who, gap] of gaps.entries()) {
      clock.advance(gap)
      enter(who)
    }
    clock.advance(1000 * gaps.length)
    expect(admitted.map(({ who }) => who)).toEqual(gaps.map((_, who) => who))
    for (const [first, { at }] of admitted.entries()) {
      const within = admitted.slice(first).filter((later) => later.at < at + 1000).length
      expect(within).toBeLessThanOrEqual(Math.ceil(perSecond * 1.1) + 1)
    }
  })

  it('who withdraws is never let in, and leaves no timer behind', () => {
    const { clock, door, admitted, enter } = doorWith({ atOnce: 5, perSecond: 1 })
    enter(1)
    const withdraw = enter(2)
    withdraw()
    withdraw()
    expect(door.waiting).toBe(0)
    expect(clock.nextAt).toBeNull()
    clock.advance(60_000)
    expect(admitted.map(({ who }) => who)).toEqual([1])
  })

  it('withdrawing after having been let in does nothing', () => {
    const { admitted, enter } = doorWith({ atOnce: 1, perSecond: Infinity })
    const withdraw = enter(1)
    enter(2)
    withdraw()
    expect(admitted.map(({ who }) => who)).toEqual([1])
  })

  it('ten thousand dials that fail at once do not pile up on the stack', () => {
    const clock = new VirtualClock()
    const door = admission({ clock, atOnce: 1, perSecond: Infinity })
    let first: (() => void) | undefined
    let done = 0
    door.enter('first', (leave) => {
      first = leave
    })
    for (let who = 0; who < 10_000; who += 1) {
      door.enter('next', (leave) => {
        done += 1
        leave()
      })
    }
    first?.()
    expect(done).toBe(10_000)
  })

  it.each([
    [{ atOnce: 0 }, 'admission.atOnce'],
    [{ atOnce: Number.NaN }, 'admission.atOnce'],
    [{ perSecond: -1 }, 'admission.perSecond'],
  ])('%o is refused by the name of its field', (options, field) => {
    expect(() => admission({ clock: new VirtualClock(), ...options })).toThrow(
      expect.objectContaining({ field }),
    )
  })
})
