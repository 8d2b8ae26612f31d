import type { Observable } from 'rxjs'
import type { Clock, Timer } from '../env/types.js'
import { Snapshots } from '../snapshots.js'
import { type CursorMachine, isOver } from './state.js'
import type { CursorProgress } from './types.js'

/** How often progress that is not yet durable is told, at most. */
const sampleEveryMs = 100

/** Tells how far a cursor has come: what is durable at once, the rest now and then. */
export class Progress<P> {
  readonly #clock: Clock
  readonly #machine: () => CursorMachine<P>
  readonly #snapshots: Snapshots<CursorProgress<P>>
  #timer: Timer | undefined

  constructor(clock: Clock, machine: () => CursorMachine<P>) {
    this.#clock = clock
    this.#machine = machine
    this.#snapshots = new Snapshots(
      () => this.#sample(),
      () => isOver(machine()),
    )
  }

  get value$(): Observable<CursorProgress<P>> {
    return this.#snapshots.value$
  }

  /** The machine has made a step. */
  stepped(before: CursorMachine<P>): void {
    const { received, applied, durable } = this.#machine()
    if (durable !== before.durable) this.#emit()
    else if (received !== before.received || applied !== before.applied)
      this.#timer ??= this.#clock.after(sampleEveryMs, () => this.#emit()).unref()
  }

  /** The cursor is over: tells what has not been told, and completes. */
  complete(): void {
    if (this.#timer !== undefined) this.#emit()
    this.#snapshots.complete()
  }

  #emit(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#snapshots.next(this.#sample())
  }

  #sample(): CursorProgress<P> {
    const { received, applied, durable } = this.#machine()
    return { received: received?.at ?? null, applied: applied?.at ?? null, durable: durable?.at ?? null }
  }
}
