import { HistoricQueue } from '../sync/consolidation.js'

/** Something that takes one of the places that a relay grants us (R51). */
export interface Job {
  /** There is a place. @param release - gives it back; to be called once */
  start(release: () => void): void
}

/** Lets so many jobs run at once, and none while the relay wants quiet (R51, R84). */
export class Slots {
  readonly #queue: HistoricQueue<Job>

  /** @param most - how many may run at once, at present */
  constructor(most: () => number) {
    this.#queue = new HistoricQueue(most)
  }

  /** Jobs that run. */
  get open(): number {
    return this.#queue.open
  }

  add(...jobs: readonly Job[]): void {
    this.#start(this.#queue.add(jobs))
  }

  pause(): void {
    this.#queue.pause()
  }

  resume(): void {
    this.#start(this.#queue.resume())
  }

  #start(jobs: readonly Job[]): void {
    for (const job of jobs) {
      let isHeld = true
      job.start(() => {
        if (!isHeld) return
        isHeld = false
        this.#start(this.#queue.finished())
      })
    }
  }
}
