import type { Clock, Millis, Off, Timer } from '@holdfast/core'
import type { EventStore, StoreChange } from '../store/types.js'
import type { NostrEvent } from '../wire/event.js'
import { isRootKind, kinds } from '../wire/kinds.js'

/** What came and what went since the last tick. */
export interface StoredChanges {
  /** Announcements and root events (R65), in the order of storing. */
  readonly saved: readonly NostrEvent[]
  /** Of the same kinds, and not merely replaced. */
  readonly deleted: readonly NostrEvent[]
}

/** Options of {@link SelfSubscriber}. */
export interface SelfSubscriberOptions {
  readonly clock: Clock
  readonly store: EventStore
  /** How often changes are told (R66). */
  readonly batchWindow: Millis
  readonly onChanges: (changes: StoredChanges) => void
}

/** With more than this, the next tick is now. */
const mostQueued = 10_000

/** Tells, at fixed intervals, what newly stored events may mean for what is wanted (R65, R66), whoever sent them. */
export class SelfSubscriber {
  readonly #options: SelfSubscriberOptions
  readonly #off: Off
  readonly #timer: Timer
  #saved: NostrEvent[] = []
  #deleted: NostrEvent[] = []

  constructor(options: SelfSubscriberOptions) {
    this.#options = options
    this.#off = options.store.onChange((change) => this.#note(change))
    this.#timer = options.clock.sweep(options.batchWindow, () => this.flush())
  }

  /** Whether everything that was stored has been told of. */
  get isCaughtUp(): boolean {
    return this.#saved.length + this.#deleted.length === 0
  }

  /** Tells now. */
  flush(): void {
    if (this.isCaughtUp) return
    const changes = { saved: this.#saved, deleted: this.#deleted }
    this.#saved = []
    this.#deleted = []
    this.#options.onChanges(changes)
  }

  close(): void {
    this.#off()
    this.#timer.cancel()
  }

  #note(change: StoreChange): void {
    const { event } = change
    if (event.kind !== kinds.announcement && !isRootKind(event.kind)) return
    if (change.kind === 'saved') this.#saved.push(event)
    else if (change.why === 'deleted') this.#deleted.push(event)
    if (this.#saved.length + this.#deleted.length >= mostQueued) this.flush()
  }
}

/** Every stored announcement, then every stored root event (R67), in parts. */
export function* storedTargets(store: EventStore): Generator<readonly NostrEvent[], void, undefined> {
  for (const filter of [
    { kinds: [kinds.announcement] },
    { kinds: [kinds.patch, kinds.pullRequest, kinds.issue] },
  ]) {
    let after: { createdAt: number; id: string } | null = null
    do {
      const page = store.query(filter, { limit: 1000, after })
      yield page.events
      after = page.next
    } while (after !== null)
  }
}
