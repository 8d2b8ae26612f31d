import type { Clock, Millis, Off, Timer } from '@holdfast/core'
import type { SyncOptions } from './sync-options.js'

/** What there is to do, whatever relays do. */
export interface HousekeepingTasks {
  /** Moves the watermarks of those whose subscriptions are live (R45). */
  advance(): void
  /** Leaves who is of no use (R33), and syncs anew with who is due (R47). */
  review(): void
  /** Saves what was learned (R88). */
  save(): void
  /** Somebody has set the clock on the wall. */
  clockSet(): void
}

const watermarkEvery: Millis = 10_000
/** From how large a step on the clock was set, and does not merely keep in step. */
const clockStep: Millis = 60_000

/** Does what is to be done at intervals, and when the clock is set. */
export class Housekeeping {
  readonly #timers: readonly Timer[]
  readonly #unwatch: Off

  constructor(
    clock: Clock,
    { disconnectCheck, saveEvery }: Pick<SyncOptions, 'disconnectCheck' | 'saveEvery'>,
    tasks: HousekeepingTasks,
  ) {
    this.#timers = [
      clock.sweep(watermarkEvery, () => tasks.advance()),
      clock.sweep(disconnectCheck, () => tasks.review()),
      clock.sweep(saveEvery, () => tasks.save()),
    ]
    this.#unwatch = clock.onDisturbance(({ kind, by }) => {
      if (kind === 'wall-step' && Math.abs(by) >= clockStep) tasks.clockSet()
    })
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#unwatch()
  }
}
