import type { Millis } from '@holdfast/core'
import { readRequest } from './request-packet.js'
import { distance } from './serial.js'

/** How many packets may be unacknowledged at first, at least and at most. */
const windows = { first: 16, least: 4, most: 1024 }
/** Until there is a measurement. */
const firstRoundTripMs = 200
const shortestRoundTripMs = 10
const longestRoundTripMs = 4000

interface Sent {
  readonly payload: Uint8Array
  at: Millis
  isAgain: boolean
}

/** Puts a packet on its way under this number. */
export type Transmit = (number: number, payload: Uint8Array) => void

/**
 * The sending half of the lossless channel: what is not acknowledged is kept, what is asked for is sent again.
 *
 * No more is on its way at a time than the window allows, which grows by each packet that arrives and is halved when
 * one was lost, at most once in a round trip. The rest waits, in order.
 */
export class SendWindow {
  readonly #transmit: Transmit
  readonly #sent = new Map<number, Sent>()
  /** From `#next` on. */
  #waiting: Uint8Array[] = []
  #next = 0
  #bytes = 0
  #start = 0
  #end = 0
  #window = windows.first
  #slowStart = Number.POSITIVE_INFINITY
  #roundTrip = firstRoundTripMs
  #halvedAt: Millis = Number.NEGATIVE_INFINITY

  constructor(transmit: Transmit) {
    this.#transmit = transmit
  }

  /** The number that the next packet will have. */
  get end(): number {
    return this.#end
  }

  /** Bytes that have not been acknowledged, those that wait included. */
  get bytes(): number {
    return this.#bytes
  }

  /** Packets on their way. */
  get inFlight(): number {
    return distance(this.#start, this.#end)
  }

  /** Smoothed, in milliseconds. */
  get roundTrip(): Millis {
    return this.#roundTrip
  }

  /** Takes a packet, which must not change any more. */
  push(payload: Uint8Array, now: Millis): void {
    this.#bytes += payload.length
    if (this.#waiting.length === 0 && this.#hasRoom) this.#dispatch(payload, now)
    // With memory of its own: in that of the pool it would hold what others are sent meanwhile.
    else this.#waiting.push(new Uint8Array(payload))
  }

  /** The other side has everything before `number`; false if it cannot have. */
  acknowledge(number: number, now: Millis): boolean {
    const count = distance(this.#start, number)
    if (count > this.inFlight) return false
    for (let done = 0; done < count; done += 1) {
      this.#arrived(this.#start, now)
      this.#start = (this.#start + 1) >>> 0
    }
    if (count > 0) this.#flush(now)
    return true
  }

  /** The other side says what it has and misses. What was sent again less than a round trip ago is still on its way. */
  requested(payload: Uint8Array, now: Millis): void {
    const again: number[] = []
    readRequest(payload, this.inFlight, (index, isMissing) => {
      const number = (this.#start + index) >>> 0
      if (!isMissing) this.#arrived(number, now)
      else if (now - (this.#sent.get(number)?.at ?? now) > this.#roundTrip) again.push(number)
    })
    for (const number of again) this.#sendAgain(number, now)
    if (again.length > 0) this.#slowDown(now)
    this.#flush(now)
  }

  #flush(now: Millis): void {
    while (this.#next < this.#waiting.length && this.#hasRoom) {
      const payload = this.#waiting[this.#next]
      if (!payload) return
      this.#next += 1
      this.#dispatch(payload, now)
    }
    // What has gone is let go of in one piece, not one by one.
    if (this.#next === 0 || (this.#next < this.#waiting.length && this.#next < 1024)) return
    this.#waiting = this.#waiting.slice(this.#next)
    this.#next = 0
  }

  get #hasRoom(): boolean {
    return this.inFlight < Math.floor(this.#window)
  }

  #dispatch(payload: Uint8Array, now: Millis): void {
    const number = this.#end
    this.#end = (number + 1) >>> 0
    this.#sent.set(number, { payload, at: now, isAgain: false })
    this.#transmit(number, payload)
  }

  #arrived(number: number, now: Millis): void {
    const sent = this.#sent.get(number)
    if (!sent) return
    this.#sent.delete(number)
    this.#bytes -= sent.payload.length
    this.#window = Math.min(
      windows.most,
      this.#window + (this.#window < this.#slowStart ? 1 : 1 / this.#window),
    )
    // Of one that was sent twice nobody knows which has arrived.
    if (sent.isAgain) return
    const measured = Math.min(Math.max(now - sent.at, shortestRoundTripMs), longestRoundTripMs)
    this.#roundTrip += (measured - this.#roundTrip) / 8
  }

  #sendAgain(number: number, now: Millis): void {
    const sent = this.#sent.get(number)
    if (!sent) return
    sent.at = now
    sent.isAgain = true
    this.#transmit(number, sent.payload)
  }

  #slowDown(now: Millis): void {
    if (now - this.#halvedAt < this.#roundTrip) return
    this.#halvedAt = now
    this.#window = Math.max(windows.least, this.#window / 2)
    this.#slowStart = this.#window
  }
}
