import type { Clock, Disturbance, Millis, Off, Timer, WallStamp } from '../index.js'
import { type Mark, SweepWheel } from '../index.js'
import { type Queued, TimerHeap } from './timer-heap.js'

interface Pending extends Queued {
  readonly fn: () => void
  holds: boolean
}

interface Hands {
  readonly boot: Millis
}

/**
 * A clock that stands still until it is moved. Its three hands move separately: {@link VirtualClock.advance}
 * moves all, {@link VirtualClock.sleep} all but the monotonic one, {@link VirtualClock.stepWall} only civil time.
 *
 * @example
 * ```ts
 * import { VirtualClock } from '@holdfast/core/testing'
 *
 * const clock = new VirtualClock()
 * const rung: number[] = []
 * clock.after(1000, () => rung.push(clock.now()))
 * clock.sleep(60_000)
 * clock.advance(999)
 * rung // => []
 * clock.advance(1)
 * rung // => [1000]
 * ```
 */
export class VirtualClock implements Clock {
  #monotonic: Millis = 0
  #boot: Millis = 0
  #wall: WallStamp
  #order = 0
  readonly #pending = new TimerHeap<Pending>()
  readonly #watchers = new Set<(d: Disturbance) => void>()
  readonly #wheel = new SweepWheel(
    () => this.#monotonic,
    (ms, tick) => this.#repeat(ms, tick),
  )

  /** @param wall - civil time at the start, in milliseconds since the Unix epoch */
  constructor(wall: WallStamp = Date.UTC(2026, 0, 1)) {
    this.#wall = wall
  }

  /** How many timers wait that would hold a process. */
  get pending(): number {
    return [...this.#pending].filter((timer) => timer.holds).length
  }

  /** When the next timer or sweep is due, on the monotonic hand; `null` if none is. */
  get nextAt(): Millis | null {
    return this.#pending.first?.at ?? null
  }

  now(): Millis {
    return this.#monotonic
  }

  wall(): WallStamp {
    return Math.round(this.#wall)
  }

  mark(): Mark {
    return { boot: this.#boot } satisfies Hands as unknown as Mark
  }

  since(mark: Mark): Millis {
    return this.#boot - (mark as unknown as Hands).boot
  }

  after(ms: Millis, fn: () => void): Timer {
    const at = this.#monotonic + Math.max(0, ms)
    const entry: Pending = { at, order: this.#order++, index: -1, fn, holds: true }
    this.#pending.add(entry)
    const timer: Timer = {
      cancel: () => void this.#pending.remove(entry),
      unref: () => {
        entry.holds = false
        return timer
      },
    }
    return timer
  }

  sweep(ms: Millis, fn: (now: Millis) => void): Timer {
    return this.#wheel.add(ms, fn)
  }

  onDisturbance(fn: (d: Disturbance) => void): Off {
    const entry = (d: Disturbance): void => fn(d)
    this.#watchers.add(entry)
    return () => this.#watchers.delete(entry)
  }

  /** Lets `ms` pass and runs what falls due, in order of time, then of arrival. */
  advance(ms: Millis): void {
    const until = this.#monotonic + ms
    for (let due = this.#due(until); due !== undefined; due = this.#due(until)) {
      this.#pass(Math.max(0, due.at - this.#monotonic))
      this.#pending.remove(due)
      due.fn()
    }
    this.#pass(until - this.#monotonic)
  }

  /** Lets `ms` pass like {@link VirtualClock.advance}, giving promises a chance to settle between timers. */
  async advanceAsync(ms: Millis): Promise<void> {
    const until = this.#monotonic + ms
    await settle()
    for (let due = this.#due(until); due !== undefined; due = this.#due(until)) {
      this.advance(Math.max(0, due.at - this.#monotonic))
      await settle()
    }
    this.advance(until - this.#monotonic)
    await settle()
  }

  /** The host sleeps for `ms`: nothing runs, and timers wait for as much longer. */
  sleep(ms: Millis): void {
    this.#boot += ms
    this.#wall += ms
    this.#tell({ kind: 'slept', by: ms })
  }

  /**
   * Our own loop stands still for `ms`: time passes, nothing runs. What fell due meanwhile runs at the next
   * {@link VirtualClock.advance}, as after a long computation.
   */
  stall(ms: Millis): void {
    this.#pass(ms)
    this.#tell({ kind: 'stalled', by: ms })
  }

  /** Sets civil time forward, or back if negative. */
  stepWall(ms: Millis): void {
    this.#wall += ms
    this.#tell({ kind: 'wall-step', by: ms })
  }

  #tell(d: Disturbance): void {
    for (const fn of [...this.#watchers]) fn(d)
  }

  #pass(ms: Millis): void {
    this.#monotonic += ms
    this.#boot += ms
    this.#wall += ms
  }

  #due(until: Millis): Pending | undefined {
    const { first } = this.#pending
    return first !== undefined && first.at <= until ? first : undefined
  }

  #repeat(ms: Millis, tick: () => void): () => void {
    let timer: Timer
    const arm = (): void => {
      timer = this.after(ms, () => {
        arm()
        tick()
      }).unref()
    }
    arm()
    return () => timer.cancel()
  }
}

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}
