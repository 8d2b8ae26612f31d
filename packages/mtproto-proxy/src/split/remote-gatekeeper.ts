import type { Clock, Off } from '@holdfast/core'
import type { Admitted, Gatekeeper, Newcomer, Verdict } from '../gatekeeper.js'
import type { SplitHandle, SplitMessage, SplitVerdict } from './messages.js'

/** How often the back is told what was transferred, in milliseconds: what quotas can be late by. */
const tellTransferredEveryMs = 1_000

type Tell = (message: SplitMessage) => void

/** A newcomer whom the back was, or will be, asked about; or who is inside. */
interface Question {
  readonly newcomer: Newcomer
  /** `null` once it is known. */
  decided: ((verdict: Verdict) => void) | null
  /** Bytes that the back was not told of yet. */
  untold: number
  /** Its quota is used up, or a back that has restarted does not let it in again. */
  isRevoked: boolean
}

/**
 * Asks a back who may come in, over whatever link there is. Without one newcomers wait: their listener bounds how many
 * and how long. A back that has restarted is told again who is inside, so that its counts are right.
 */
export class RemoteGatekeeper implements Gatekeeper {
  readonly mayFront: Gatekeeper['mayFront']
  readonly #clock: Clock
  readonly #questions = new Map<SplitHandle, Question>()
  #nextHandle: SplitHandle = 1
  #tell: Tell | null = null

  constructor(clock: Clock, mayFront: Gatekeeper['mayFront']) {
    this.#clock = clock
    this.mayFront = mayFront
  }

  admit(newcomer: Newcomer, decided: (verdict: Verdict) => void): () => void {
    const handle = this.#nextHandle
    this.#nextHandle += 1
    this.#questions.set(handle, { newcomer, decided, untold: 0, isRevoked: false })
    this.#tell?.({ kind: 'admit', handle, newcomer })
    return () => this.#leave(handle)
  }

  // For the link -------------------------------------------------------------------------------------------------

  /** A link is there: the back is asked, and told who is inside. Returns what to call when it is gone. */
  connected(tell: Tell): Off {
    this.#tell = tell
    for (const [handle, { newcomer, decided }] of this.#questions) {
      const replayKey = decided === null ? null : newcomer.replayKey
      tell({ kind: 'admit', handle, newcomer: { ...newcomer, replayKey } })
    }
    const timer = this.#clock.sweep(tellTransferredEveryMs, () => this.#tellTransferred())
    return () => {
      timer.cancel()
      if (this.#tell === tell) this.#tell = null
    }
  }

  decided(handle: SplitHandle, verdict: SplitVerdict): void {
    const question = this.#questions.get(handle)
    if (question === undefined) return
    const { decided } = question
    question.decided = null
    if (verdict === 'admitted') decided?.(this.#admitted(handle, question))
    else if (decided === null) question.isRevoked = true
    else {
      this.#questions.delete(handle)
      decided({ refused: verdict })
    }
  }

  quotaUsed(handle: SplitHandle): void {
    const question = this.#questions.get(handle)
    if (question !== undefined) question.isRevoked = true
  }

  #admitted(handle: SplitHandle, question: Question): Admitted {
    return {
      transferred: (bytes) => {
        question.untold += bytes
        return !question.isRevoked
      },
      leave: () => this.#leave(handle),
    }
  }

  #leave(handle: SplitHandle): void {
    const question = this.#questions.get(handle)
    if (question === undefined) return
    this.#tellOf(handle, question)
    this.#questions.delete(handle)
    this.#tell?.({ kind: 'leave', handle })
  }

  #tellTransferred(): void {
    for (const [handle, question] of this.#questions) this.#tellOf(handle, question)
  }

  #tellOf(handle: SplitHandle, question: Question): void {
    if (question.untold === 0 || this.#tell === null) return
    this.#tell({ kind: 'transferred', handle, bytes: question.untold })
    question.untold = 0
  }
}
