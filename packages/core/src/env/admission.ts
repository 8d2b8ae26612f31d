import { positive } from '../budget.js'
import type { Millis, Off } from '../end.js'
import type { Admission, Clock, Timer } from './types.js'

/** Options of {@link admission}. */
export interface AdmissionOptions {
  readonly clock: Clock
  /**
   * How many dials may be under way at once.
   *
   * @defaultValue 64
   */
  readonly atOnce?: number
  /**
   * How many dials may start in a second; they are spaced evenly after a burst of a tenth of it.
   *
   * @defaultValue 500
   */
  readonly perSecond?: number
}

/**
 * One gate for all dials of a process, first come, first served: when a peer restarts, it must not meet
 * everybody at once.
 */
export function admission(options: AdmissionOptions): Admission {
  const { clock, atOnce = 64, perSecond = 500 } = options
  positive('admission.atOnce', atOnce)
  positive('admission.perSecond', perSecond)
  const every: Millis = 1000 / perSecond
  const saved: Millis = Math.max(0, 100 - every)
  const queue = new Set<(leave: () => void) => void>()
  let underWay = 0
  /** When the next dial may start if none had been saved up; at most `saved` behind the clock. */
  let nextAt: Millis = -Infinity
  let timer: Timer | null = null
  let admitting = false

  const admitAll = (): void => {
    for (const go of queue) {
      if (underWay >= atOnce) return
      const now = clock.now()
      if (nextAt > now) {
        timer ??= clock.after(nextAt - now, () => {
          timer = null
          admit()
        })
        return
      }
      nextAt = Math.max(nextAt, now - saved) + every
      queue.delete(go)
      underWay += 1
      let left = false
      go(() => {
        if (left) return
        left = true
        underWay -= 1
        admit()
      })
    }
  }

  /** Dials that fail at once make room while others are let in: the loop under way sees to it, not the stack. */
  const admit = (): void => {
    if (admitting) return
    admitting = true
    try {
      admitAll()
    } finally {
      admitting = false
    }
  }

  return {
    get waiting() {
      return queue.size
    },
    enter(_who, go): Off {
      const entry = (leave: () => void): void => go(leave)
      queue.add(entry)
      admit()
      return () => {
        if (queue.delete(entry) && queue.size === 0) {
          timer?.cancel()
          timer = null
        }
      }
    },
  }
}
