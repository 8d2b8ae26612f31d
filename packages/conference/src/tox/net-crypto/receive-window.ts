import { encodeRequest } from './request-packet.js'
import { distance } from './serial.js'

/**
 * Packets ahead of the first missing one that are kept. Real nodes keep 32,768, which would let each peer hold 45 MB
 * of ours; what is beyond is asked for again once there is room.
 */
const mostAhead = 1024
/** The other side cannot have sent more than this. */
const farthestAhead = 32_768

/** The receiving half of the lossless channel: duplicates dropped, the rest put in order. */
export class ReceiveWindow {
  readonly #early = new Map<number, Uint8Array>()
  #start = 0
  #end = 0

  /** The lowest number that has not been taken. */
  get start(): number {
    return this.#start
  }

  /** Whether something has been sent that is not here. */
  get isMissing(): boolean {
    return distance(this.#start, this.#end) > this.#early.size
  }

  /** The other side has sent everything before `end`. */
  extend(end: number): void {
    const known = distance(this.#start, this.#end)
    const said = distance(this.#start, end)
    if (said > known && said <= farthestAhead) this.#end = end
  }

  /** Keeps a packet until its turn comes, unless its turn is over or too far ahead. */
  put(number: number, payload: Uint8Array): void {
    const ahead = distance(this.#start, number)
    if (ahead >= farthestAhead) return
    this.extend((number + 1) >>> 0)
    if (ahead < mostAhead) this.#early.set(number, payload)
  }

  /** The next in order, if it is here. */
  take(): Uint8Array | null {
    const payload = this.#early.get(this.#start)
    if (!payload) return null
    this.#early.delete(this.#start)
    this.#start = (this.#start + 1) >>> 0
    return payload
  }

  /** The request packet that says what is missing. */
  request(): Uint8Array {
    return encodeRequest(distance(this.#start, this.#end), (index) => {
      return !this.#early.has((this.#start + index) >>> 0)
    })
  }
}
