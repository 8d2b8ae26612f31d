import type { NostrEvent } from '../wire/event.js'

/** An event that was sent, and where it came from. */
export interface SentEvent {
  readonly event: NostrEvent
  /** Its position in the log of saved events; null if it is of an earlier time. */
  readonly position: number | null
}

/** What was sent and not answered yet: at most so many, and once there are that many no more until half is answered (R103). */
export class Unanswered {
  readonly #most: number
  readonly #sent = new Map<string, SentEvent>()
  #isFull = false

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#sent.size
  }

  get isFull(): boolean {
    return this.#isFull
  }

  add(sent: SentEvent): void {
    this.#sent.set(sent.event.id, sent)
    if (this.#sent.size >= this.#most) this.#isFull = true
  }

  /** @returns null for an answer to nothing that was asked */
  answered(id: string): SentEvent | null {
    const sent = this.#sent.get(id) ?? null
    this.#sent.delete(id)
    if (this.#sent.size <= this.#most / 2) this.#isFull = false
    return sent
  }

  /** The first position of the log that has no answer, if there is one. */
  firstPosition(): number | null {
    let first: number | null = null
    for (const { position } of this.#sent.values())
      if (position !== null && (first === null || position < first)) first = position
    return first
  }
}
