import type { Batch, LinkScope } from '@holdfast/core'
import { type SyncItems, syncItems, uniteItems } from '../sync/items.js'
import { filtersSince, fitFilter } from '../sync/layer-filters.js'
import { requestBytes } from '../sync/negentropy-plan.js'
import {
  type BatchEnd,
  type BatchPurpose,
  type PendingBatch,
  PendingBatches,
  type SyncMethod,
} from '../sync/pending-batches.js'
import type { UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { type FetchContext, FilterFetch } from './filter-fetch.js'
import type { SessionOwner } from './session-owner.js'

/** What to fetch of a relay's past. */
export interface HistoricSync {
  readonly purpose: BatchPurpose
  readonly filters: readonly Filter[]
  /** Not older than this; null for all of it. */
  readonly since: UnixSeconds | null
  readonly method: SyncMethod
  /** Where the watermark has to stay until this is confirmed; now, unless something was missed before. */
  readonly floor?: UnixSeconds
}

/** The batches of one link, from the asking until what came is stored (R8, R9). */
export class HistoricBatches {
  readonly #scope: LinkScope
  readonly #relay: SessionOwner
  readonly #context: () => FetchContext
  readonly #pending = new PendingBatches()
  /** Batches of which everything came, and some waits to be stored. */
  readonly #settling = new Set<PendingBatch>()
  #failed: SyncItems = syncItems()
  #hasFailed = false

  /** @param context - asked for each filter anew: the relay's document may have changed */
  constructor(scope: LinkScope, relay: SessionOwner, context: () => FetchContext) {
    this.#scope = scope
    this.#relay = relay
    this.#context = context
  }

  /** Batches that are not confirmed yet. */
  get size(): number {
    return this.#pending.size + this.#settling.size
  }

  /** Whether any has failed. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** What is in flight, and what need not be asked for again on this link because it has failed (R17). */
  unavailableItems(): SyncItems[] {
    const settling = [...this.#settling].map(({ purpose }) =>
      purpose.kind === 'items' ? purpose.items : syncItems(),
    )
    return [...this.#pending.items(), ...settling, this.#failed]
  }

  /** Lets what has failed be asked for again. */
  forgiveFailures(): void {
    this.#failed = syncItems()
    this.#hasFailed = false
  }

  /** Begins a batch: confirmed once all its filters were answered and what came is stored. */
  start({ purpose, filters, since, method, floor }: HistoricSync): void {
    const { capabilities, progress } = this.#relay
    const { channel } = this.#context()
    const startedAt = channel.wallSeconds()
    const batch = this.#pending.open(purpose, method, startedAt)
    const position = progress.open(this.#scope, { floor: floor ?? startedAt })
    position.add(batch)
    const most = requestBytes(capabilities.limitation.maxMessageLength)
    const fitting = filtersSince(filters, since).flatMap((filter) => fitFilter(filter, most))
    fitting.forEach((filter, index) => {
      const key = `${batch.id}.${index}`
      this.#pending.track(batch, key)
      const done = (how: 'answered' | 'failed'): void => this.#ended(this.#pending.ended(key, how), position)
      new FilterFetch(this.#context(), done).start(filter, method)
    })
    this.#ended(this.#pending.complete(batch), position)
  }

  /** What a batch brought is stored: it counts no longer as in flight. */
  settled(batch: PendingBatch): void {
    this.#settling.delete(batch)
  }

  #ended(over: BatchEnd | null, position: Batch<UnixSeconds, PendingBatch>): void {
    if (over === null) return
    const { batch } = over
    if (over.kind === 'confirmed') {
      this.#settling.add(batch)
      position.seal(batch.startedAt)
      return
    }
    this.#hasFailed = true
    if (batch.purpose.kind !== 'announcements') this.#failed = uniteItems(this.#failed, batch.purpose.items)
    position.discard()
    this.#relay.batchFailed(batch)
  }
}
