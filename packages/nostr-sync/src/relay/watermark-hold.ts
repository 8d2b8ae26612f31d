import type { Batch, LinkScope } from '@holdfast/core'
import type { PendingBatch } from '../sync/pending-batches.js'
import type { UnixSeconds } from '../wire/event.js'
import type { SessionOwner } from './session-owner.js'

/** Keeps the watermark of a link below what was missed, until that has been asked for again (R45). */
export class WatermarkHold {
  readonly #relay: Pick<SessionOwner, 'progress'>
  readonly #scope: LinkScope
  #held: { readonly batch: Batch<UnixSeconds, PendingBatch>; readonly from: UnixSeconds } | null = null
  #isForGood = false

  constructor(relay: Pick<SessionOwner, 'progress'>, scope: LinkScope) {
    this.#relay = relay
    this.#scope = scope
  }

  /** Since when something that is asked for does not come, so that nothing from there on counts as fetched. */
  get since(): UnixSeconds | null {
    return this.#held?.from ?? null
  }

  /** From now on something does not come; what was missed before is missed still. */
  begin(from: UnixSeconds): void {
    this.#held ??= { batch: this.#relay.progress.open(this.#scope, { floor: from }), from }
  }

  /** What is refused is missed for as long as the link lasts. */
  keepForGood(): void {
    this.#isForGood = true
  }

  /** All that was missed is being asked for, which has a floor of its own. */
  release(): void {
    if (this.#isForGood) return
    this.#held?.batch.discard()
    this.#held = null
  }
}
