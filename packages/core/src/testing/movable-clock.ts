import type { Clock, Disturbance, Mark, Millis } from '../index.js'

/** A {@link Clock} that can be disturbed by hand; made by {@link movableClock}. */
export interface MovableClock extends Clock {
  /** The host was suspended for so long, in milliseconds, and is awake again: no timer has run meanwhile. */
  sleep(by: Millis): void
  /** Somebody sets the wall clock, by so many milliseconds; negative sets it back. */
  setWall(by: Millis): void
}

interface MovedMark {
  readonly inner: Mark
  readonly slept: Millis
}

/**
 * A clock that goes as another one does, until it is disturbed: for demonstrations and soaks that run in real time, on hosts that
 * neither sleep nor have their clocks set. The disturbances of the other clock are told, too.
 *
 * @example
 * ```ts
 * import { systemClock } from '@holdfast/core'
 * import { movableClock } from '@holdfast/core/testing'
 *
 * const clock = movableClock(systemClock())
 * const mark = clock.mark()
 * clock.sleep(3_600_000)
 * clock.since(mark) >= 3_600_000 // => true
 * ```
 */
export function movableClock(clock: Clock): MovableClock {
  const watchers = new Set<(d: Disturbance) => void>()
  let slept: Millis = 0
  let set: Millis = 0
  const tell = (d: Disturbance): void => {
    for (const fn of [...watchers]) fn(d)
  }
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + slept + set,
    mark: () => ({ inner: clock.mark(), slept }) satisfies MovedMark as unknown as Mark,
    since(mark) {
      const { inner, slept: before } = mark as unknown as MovedMark
      return clock.since(inner) + Math.max(0, slept - before)
    },
    after: (ms, fn) => clock.after(ms, fn),
    sweep: (ms, fn) => clock.sweep(ms, fn),
    onDisturbance(fn) {
      const entry = (d: Disturbance): void => fn(d)
      watchers.add(entry)
      const off = clock.onDisturbance(entry)
      return () => {
        watchers.delete(entry)
        off()
      }
    },
    sleep(by) {
      slept += by
      tell({ kind: 'slept', by })
    },
    setWall(by) {
      set += by
      tell({ kind: 'wall-step', by })
    },
  }
}
