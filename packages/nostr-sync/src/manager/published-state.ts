import { BehaviorSubject, distinctUntilChanged, map, type Observable } from 'rxjs'
import type { RelayUrl } from '../wire/relay-url.js'
import type { MirrorState, RelayStatus } from './status.js'

/** Publishes what operators see: the present, then changes, those of one turn as one. */
export class PublishedState {
  readonly #snapshot: () => MirrorState
  readonly #state$: BehaviorSubject<MirrorState>
  #isPublishing = false

  constructor(snapshot: () => MirrorState) {
    this.#snapshot = snapshot
    this.#state$ = new BehaviorSubject(snapshot())
  }

  get state$(): Observable<MirrorState> {
    return this.#state$.asObservable()
  }

  /** One relay's part of it; null while the relay is not known. */
  relay$(url: RelayUrl): Observable<RelayStatus | null> {
    return this.#state$.pipe(
      map(({ relays }) => relays.find((relay) => relay.url === url) ?? null),
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    )
  }

  /** Something has changed. */
  changed(): void {
    if (this.#isPublishing) return
    this.#isPublishing = true
    queueMicrotask(() => {
      this.#isPublishing = false
      this.#state$.next(this.#snapshot())
    })
  }

  /** Publishes the last. */
  close(): void {
    this.#state$.next(this.#snapshot())
    this.#state$.complete()
  }
}
