import { type Clock, FaultLog, type Log, type Store } from '@holdfast/core'
import type { RejectedEvents } from '../admission/rejected-events.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { ConfirmedEntry } from './confirmed-state.js'
import { restoredConfirmed, type SavedRelay, type SavedState } from './saved-state.js'

/** What a {@link StateKeeper} saves, and where. */
export interface StateKeeperParts {
  readonly clock: Clock
  readonly log: Log
  readonly rejected: RejectedEvents
  readonly store: Store<SavedState> | undefined
  /** The relays that are known, as they are now. */
  readonly relays: () => readonly SavedRelay[]
}

/** How long what is known of a relay is kept that nothing is wanted of. */
const keepUnusedSecs = 7 * 86_400

/** Keeps across restarts what was learned of relays, and what was rejected (R88). */
export class StateKeeper {
  readonly #parts: StateKeeperParts
  readonly #restored: Map<RelayUrl, SavedRelay>
  readonly #faults: FaultLog
  #isDirty = false

  constructor(parts: StateKeeperParts, saved: SavedState | undefined) {
    this.#parts = parts
    this.#faults = new FaultLog(parts.log, 'what is known of the relays could not be saved')
    parts.rejected.restore(saved?.rejected ?? [], parts.clock.wall())
    // Who was connected when it was saved has been away since then, as far as anybody knows.
    this.#restored = new Map(
      (saved?.relays ?? []).map(({ record, ...relay }) => {
        const disconnectedAt = record.disconnectedAt ?? saved?.at ?? 0
        return [relay.url, { ...relay, record: { ...record, disconnectedAt } }]
      }),
    )
  }

  /** What an earlier process knew of a relay. */
  of(url: RelayUrl): SavedRelay | undefined {
    return this.#restored.get(url)
  }

  /** What it had of each of them. Not of those left in the future: one of the two clocks was wrong, and nobody knows which. */
  confirmed(): ConfirmedEntry[] {
    const now = this.#parts.clock.wall()
    return [...this.#restored.values()].flatMap((saved): ConfirmedEntry[] => {
      const since = (saved.record.disconnectedAt ?? 0) * 1000
      return since > now ? [] : [[saved.url, since, restoredConfirmed(saved)]]
    })
  }

  forget(url: RelayUrl): void {
    this.#restored.delete(url)
  }

  /** There is something to save. */
  touch(): void {
    this.#isDirty = true
  }

  /** Never rejects: what could not be saved is said in the log, and saved the next time. */
  async save(): Promise<void> {
    const { store, rejected, clock, relays } = this.#parts
    if (store === undefined || !this.#isDirty) return
    this.#isDirty = false
    const present = relays()
    const known = new Set(present.map(({ url }) => url))
    const now = Math.floor(clock.wall() / 1000)
    // Relays that nobody has asked for yet may be asked for, but not for ever.
    const others = [...this.#restored.values()].filter(
      ({ url, record }) => !known.has(url) && now - (record.disconnectedAt ?? 0) < keepUnusedSecs,
    )
    try {
      await store.save({
        version: 1,
        at: now,
        relays: [...present, ...others],
        rejected: rejected.entries().map((entry) => ({ ...entry, awaits: [...entry.awaits] })),
      })
      this.#faults.worked()
    } catch (error) {
      this.#isDirty = true
      this.#faults.failed(error)
    }
  }
}
