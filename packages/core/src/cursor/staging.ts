import type { Budget } from '../budget.js'
import { end } from '../end.js'
import type { Timer } from '../env/types.js'
import { HoldfastError } from '../errors.js'
import type { LinkScope } from '../link/types.js'
import type { Batch } from './types.js'

/** What a batch asks of its cursor. */
export interface BatchOwner<P, T> {
  readonly staging: Staging<P, T>
  sealed(batch: StagedBatch<P, T>, to: P | null): 'ok' | 'old' | 'gap'
  discarded(batch: StagedBatch<P, T>): void
}

/** A batch together with its items, which the cursor's machine knows by number only. */
export class StagedBatch<P, T> implements Batch<P, T> {
  items: T[] = []
  bytes = 0
  phase: 'open' | 'sealed' | 'gone' = 'open'
  timer: Timer | undefined
  readonly id: number
  readonly scope: LinkScope
  readonly #owner: BatchOwner<P, T>

  constructor(owner: BatchOwner<P, T>, id: number, scope: LinkScope) {
    this.#owner = owner
    this.id = id
    this.scope = scope
  }

  add(item: T): void {
    if (this.phase === 'gone') return
    this.#mustBeOpen()
    this.#owner.staging.add(this, item)
  }

  seal(to: P | null): 'ok' | 'old' | 'gap' {
    if (this.phase === 'gone') return 'old'
    this.#mustBeOpen()
    this.#owner.staging.close(this, 'sealed')
    return this.#owner.sealed(this, to)
  }

  discard(): void {
    if (this.phase === 'open') this.#owner.discarded(this)
  }

  #mustBeOpen(): void {
    if (this.phase === 'sealed')
      throw new HoldfastError('HF_BATCH_SEALED', 'a sealed batch takes nothing more')
  }
}

/** The batches of a cursor that are open or queued, and the budget of the open ones. */
export class Staging<P, T> {
  readonly #budget: Budget
  readonly #sizeOf: (item: T) => number
  readonly #batches = new Map<number, StagedBatch<P, T>>()
  #last = 0
  #bytes = 0
  #count = 0

  constructor(budget: Budget, sizeOf: (item: T) => number) {
    this.#budget = budget
    this.#sizeOf = sizeOf
  }

  /** @param isGone - the link has already ended, and nothing may come of the batch */
  open(owner: BatchOwner<P, T>, scope: LinkScope, isGone: boolean): StagedBatch<P, T> {
    this.#last += 1
    const batch = new StagedBatch(owner, this.#last, scope)
    if (isGone) {
      batch.phase = 'gone'
      return batch
    }
    this.#batches.set(batch.id, batch)
    const { age } = this.#budget
    if (age !== undefined) batch.timer = scope.after(age, () => overflow(scope))
    return batch
  }

  add(batch: StagedBatch<P, T>, item: T): void {
    const size = this.#sizeOf(item)
    batch.items.push(item)
    batch.bytes += size
    this.#bytes += size
    this.#count += 1
    const { bytes, count = Infinity } = this.#budget
    if (this.#bytes > bytes || this.#count > count) overflow(batch.scope)
  }

  /** The batch is no longer open, and no longer counts. */
  close(batch: StagedBatch<P, T>, phase: 'sealed' | 'gone'): void {
    if (batch.phase === 'open') {
      this.#bytes -= batch.bytes
      this.#count -= batch.items.length
      batch.timer?.cancel()
    }
    batch.phase = phase
    // Whoever still holds the batch shall not hold its items.
    if (phase === 'gone') batch.items = []
  }

  itemsOf(id: number | null): readonly T[] {
    return this.#batches.get(id ?? 0)?.items ?? []
  }

  /** The batch was applied, or is dropped. */
  forget(id: number | null): void {
    const batch = this.#batches.get(id ?? 0)
    if (batch === undefined) return
    this.close(batch, 'gone')
    this.#batches.delete(batch.id)
  }
}

function overflow(scope: LinkScope): void {
  scope.fail(end('overflow', { detail: 'the open batches of a cursor exceed its staging' }))
}
