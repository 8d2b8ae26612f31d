import type { Millis } from '@holdfast/core'

/** From how many open subscriptions on all are built anew (R49): 70, or seven tenths of what the relay allows. */
export function consolidationThreshold(maxSubscriptions?: number, most = 70): number {
  return maxSubscriptions === undefined
    ? most
    : Math.max(1, Math.min(most, Math.floor(0.7 * maxSubscriptions)))
}

/** Whether new subscriptions may be added to those that are open, or all have to be packed together first (R49). */
export function needsConsolidation(open: number, adding: number, threshold: number): boolean {
  return open + adding > threshold
}

/** How many subscriptions a relay takes, judged by how many were open when it complained (R85). */
export function capAfterComplaint(open: number): number {
  return Math.max(1, Math.floor(open * 0.9))
}

/**
 * How many historic requests may be open beside the live ones (R51): no more than the relay has room for, yet one, or nothing
 * would ever be fetched.
 */
export function historicRoom(concurrency: number, live: number, maxSubscriptions = Infinity): number {
  return Math.max(1, Math.min(concurrency, maxSubscriptions - live))
}

/** How long to wait before what a relay did not keep is opened anew: from a second, twice as long each time, to a minute (R85). */
export function waitAfterComplaint(complaints: number): Millis {
  return Math.min(60_000, 1000 * 2 ** complaints)
}

/**
 * How long to wait before what a relay has left unanswered is opened anew: from a minute, twice as long each time, to ten
 * minutes. A slow one must not get slower by being asked.
 */
export function waitAfterStall(stalls: number): Millis {
  return Math.min(600_000, 60_000 * 2 ** stalls)
}

/**
 * Holds back historic requests, so that only so many are open at once (R51); all of them while the relay has asked for
 * quiet (R84).
 */
export class HistoricQueue<T> {
  readonly #most: () => number
  readonly #waiting: T[] = []
  #open = 0
  #isPaused = false

  /** @param most - how many may be open at once, at present */
  constructor(most: () => number) {
    this.#most = most
  }

  /** Requests that are held back. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Requests that were sent and are not finished. */
  get open(): number {
    return this.#open
  }

  /** Queues requests. @returns those to send now, which count as open */
  add(requests: readonly T[]): T[] {
    for (const request of requests) this.#waiting.push(request)
    return this.#next()
  }

  /** One that was open is over. @returns those to send now */
  finished(): T[] {
    this.#open = Math.max(0, this.#open - 1)
    return this.#next()
  }

  /** Nothing more is sent until {@link HistoricQueue.resume}. */
  pause(): void {
    this.#isPaused = true
  }

  /** @returns those to send now */
  resume(): T[] {
    this.#isPaused = false
    return this.#next()
  }

  #next(): T[] {
    const room = this.#isPaused ? 0 : Math.max(0, this.#most() - this.#open)
    const next = this.#waiting.splice(0, room)
    this.#open += next.length
    return next
  }
}
