import type { Admitted, Gatekeeper, Newcomer } from '../gatekeeper.js'
import type { SplitHandle, SplitMessage } from './messages.js'

/** A newcomer of a front, as the back's gatekeeper sees it. */
export class Visitor {
  readonly #handle: SplitHandle
  readonly #tell: (message: SplitMessage) => void
  readonly #gone: () => void
  #withdraw: (() => void) | null = null
  #admitted: Admitted | null = null
  #isOver = false
  #toldQuota = false

  /** @param gone - called when it was refused */
  constructor(handle: SplitHandle, tell: (message: SplitMessage) => void, gone: () => void) {
    this.#handle = handle
    this.#tell = tell
    this.#gone = gone
  }

  ask(gatekeeper: Gatekeeper, newcomer: Newcomer): void {
    const withdraw = gatekeeper.admit(newcomer, (verdict) => {
      if ('refused' in verdict) {
        this.#gone()
        this.#tell({ kind: 'verdict', handle: this.#handle, verdict: verdict.refused })
      } else if (this.#isOver) verdict.leave()
      else {
        this.#admitted = verdict
        this.#tell({ kind: 'verdict', handle: this.#handle, verdict: 'admitted' })
      }
    })
    if (!this.#isOver) this.#withdraw = withdraw
  }

  transferred(bytes: number): void {
    if (this.#admitted?.transferred(bytes) !== false || this.#toldQuota) return
    this.#toldQuota = true
    this.#tell({ kind: 'quota-used', handle: this.#handle })
  }

  leave(): void {
    this.#isOver = true
    if (this.#admitted === null) this.#withdraw?.()
    else this.#admitted.leave()
  }
}
