import type { LinkScope } from '@holdfast/core'

/** Work that is done a step at a time. */
export interface Job {
  /** @returns whether there is more to do */
  step(): boolean
}

/**
 * Does the jobs of one client by turns, a step of one at a time, and lets other clients work between the steps. Stands still
 * while the link is full.
 */
export class Turns {
  readonly #scope: Pick<LinkScope, 'after'>
  readonly #isFull: () => boolean
  readonly #jobs = new Set<Job>()
  #isScheduled = false

  constructor(scope: Pick<LinkScope, 'after'>, isFull: () => boolean) {
    this.#scope = scope
    this.#isFull = isFull
  }

  get size(): number {
    return this.#jobs.size
  }

  /** Begins at once if nothing else is being done: most jobs are one step. */
  add(job: Job): void {
    this.#jobs.add(job)
    if (!this.#isScheduled && this.#jobs.size === 1) this.#run()
  }

  remove(job: Job): void {
    this.#jobs.delete(job)
  }

  /** The link takes data again. */
  resume(): void {
    if (!this.#isScheduled) this.#run()
  }

  #run(): void {
    if (this.#isFull()) return
    const [job] = this.#jobs
    if (job === undefined) return
    // To the end of the row, unless the step itself removes it or was its last.
    this.#jobs.delete(job)
    this.#jobs.add(job)
    if (!job.step()) this.#jobs.delete(job)
    if (this.#jobs.size === 0) return
    this.#isScheduled = true
    this.#scope.after(0, () => {
      this.#isScheduled = false
      this.#run()
    })
  }
}
