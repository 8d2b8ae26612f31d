import { Observable, type Subscriber } from 'rxjs'

/**
 * The observable side of one changing value: replays the current snapshot to whoever subscribes, tells everybody
 * the same sequence, never errors, completes at the end. Costs nothing until the first subscription.
 *
 * A subscriber that throws stops neither the others nor the source; RxJS reports its error on a fresh stack, in
 * Node as an uncaught exception.
 */
export class Snapshots<T> {
  readonly value$: Observable<T>
  #subscribers: Set<Subscriber<T>> | undefined

  /**
   * @param current - reads the snapshot being told
   * @param isOver - whether the value has reached its end and will not change again
   */
  constructor(current: () => T, isOver: () => boolean) {
    this.value$ = new Observable<T>((subscriber) => {
      subscriber.next(current())
      if (isOver()) {
        subscriber.complete()
        return undefined
      }
      this.#subscribers ??= new Set()
      this.#subscribers.add(subscriber)
      return () => this.#subscribers?.delete(subscriber)
    })
  }

  /** Whether anybody would hear of another snapshot: else it need not be made. */
  get isWatched(): boolean {
    return this.#subscribers !== undefined && this.#subscribers.size > 0
  }

  next(value: T): void {
    if (this.#subscribers === undefined) return
    // A copy: whoever subscribes during the round was told this snapshot on subscribing.
    for (const subscriber of [...this.#subscribers]) subscriber.next(value)
  }

  complete(): void {
    if (this.#subscribers === undefined) return
    for (const subscriber of [...this.#subscribers]) subscriber.complete()
    this.#subscribers = undefined
  }
}
