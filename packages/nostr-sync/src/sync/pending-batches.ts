import type { UnixSeconds } from '../wire/event.js'
import { type SyncItems, syncItems } from './items.js'

/** How a batch gets its events. */
export type SyncMethod = 'req' | 'negentropy'

/**
 * What a batch is for: the announcements of a relay, or items (R10); or what items that were asked for before have
 * missed, which confirms none of them anew.
 */
export type BatchPurpose =
  | { readonly kind: 'announcements' }
  | { readonly kind: 'items' | 'catch-up'; readonly items: SyncItems }

/** Something asked of a relay that is not complete yet. */
export interface PendingBatch {
  readonly id: number
  readonly purpose: BatchPurpose
  readonly method: SyncMethod
  /** When it was begun: the watermark stays below until it is confirmed (R45). */
  readonly startedAt: UnixSeconds
}

/** A batch that has come to its end. */
export interface BatchEnd {
  readonly batch: PendingBatch
  /** Confirmed if every subscription was answered in full; else its items have to be asked for again. */
  readonly kind: 'confirmed' | 'failed'
}

interface Entry {
  readonly batch: PendingBatch
  readonly outstanding: Set<string>
  isComplete: boolean
  hasFailed: boolean
}

/**
 * The batches in flight on one link (R8, R12): each ends by itself, once all subscriptions that belong to it have ended
 * (R9). Gone with the link.
 */
export class PendingBatches {
  readonly #entries = new Map<number, Entry>()
  readonly #bySubscription = new Map<string, Entry>()
  #lastId = 0
  #hasFailed = false

  /** How many are in flight. */
  get size(): number {
    return this.#entries.size
  }

  /** Whether any batch since the last {@link PendingBatches.clear} has failed (R57). */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** The items in flight, for the diff (R17). */
  items(): SyncItems[] {
    return [...this.#entries.values()].map(({ batch }) =>
      batch.purpose.kind === 'items' ? batch.purpose.items : syncItems(),
    )
  }

  /** The oldest start of a batch in flight: nothing from there on counts as fetched (R45). */
  floor(): UnixSeconds | null {
    const starts = [...this.#entries.values()].map(({ batch }) => batch.startedAt)
    return starts.length === 0 ? null : Math.min(...starts)
  }

  /** Begins a batch; it does not end before {@link PendingBatches.complete} was said. */
  open(purpose: BatchPurpose, method: SyncMethod, startedAt: UnixSeconds): PendingBatch {
    const batch = { id: ++this.#lastId, purpose, method, startedAt }
    this.#entries.set(batch.id, { batch, outstanding: new Set(), isComplete: false, hasFailed: false })
    return batch
  }

  /** A subscription, or a negentropy session, has to end before the batch can. */
  track(batch: PendingBatch, subscription: string): void {
    const entry = this.#entries.get(batch.id)
    if (entry === undefined) return
    entry.outstanding.add(subscription)
    this.#bySubscription.set(subscription, entry)
  }

  /** Nothing more will be tracked. @returns the end of the batch, if nothing is outstanding */
  complete(batch: PendingBatch): BatchEnd | null {
    const entry = this.#entries.get(batch.id)
    if (entry === undefined) return null
    entry.isComplete = true
    return this.#endOf(entry)
  }

  /** What the batch of a subscription is; `null` for one that belongs to none, whose EOSE is ignored (R56). */
  batchOf(subscription: string): PendingBatch | null {
    return this.#bySubscription.get(subscription)?.batch ?? null
  }

  /**
   * A subscription was answered in full, or never will be (R55).
   *
   * @returns the end of its batch, if this was the last one
   */
  ended(subscription: string, how: 'answered' | 'failed'): BatchEnd | null {
    const entry = this.#bySubscription.get(subscription)
    if (entry === undefined) return null
    this.#bySubscription.delete(subscription)
    entry.outstanding.delete(subscription)
    if (how === 'failed') entry.hasFailed = true
    return this.#endOf(entry)
  }

  /** Forgets all of them, as every strategy does first (R39). */
  clear(): void {
    this.#entries.clear()
    this.#bySubscription.clear()
    this.#hasFailed = false
  }

  #endOf(entry: Entry): BatchEnd | null {
    if (!entry.isComplete || entry.outstanding.size > 0) return null
    this.#entries.delete(entry.batch.id)
    if (entry.hasFailed) this.#hasFailed = true
    return { batch: entry.batch, kind: entry.hasFailed ? 'failed' : 'confirmed' }
  }
}
