import { Buffer } from 'node:buffer'
import { maxPayloadBytes } from './packets.js'

/** First byte of the payload of a request packet. */
export const requestId = 1

const longestWalk = 255

/**
 * Writes which packets are missing, as distances between them; it is the acknowledgement, too (spec 12.3).
 *
 * @param count - how many numbers from the first that is missing to the sender's end
 * @param isMissing - by distance from the first
 */
export function encodeRequest(count: number, isMissing: (index: number) => boolean): Uint8Array {
  const bytes = [requestId]
  let walked = 0
  for (let index = 0; index < count && bytes.length < maxPayloadBytes; index += 1) {
    walked += 1
    if (isMissing(index)) bytes.push(walked)
    else if (walked === longestWalk) bytes.push(0)
    else continue
    walked = 0
  }
  return Buffer.from(bytes)
}

/**
 * Walks the numbers that a request packet speaks of, and says of each whether it is missing. What the packet does not
 * reach is not spoken of.
 *
 * @param count - how many numbers from our oldest unacknowledged packet to the newest
 */
export function readRequest(
  payload: Uint8Array,
  count: number,
  tell: (index: number, isMissing: boolean) => void,
): void {
  let at = 1
  let walked = 0
  for (let index = 0; index < count && at < payload.length; index += 1) {
    walked += 1
    const isMissing = payload[at] === walked
    tell(index, isMissing)
    if (!isMissing && walked < longestWalk) continue
    // A whole walk without one is marked by a zero; anything else there is no request packet.
    if (!isMissing && payload[at] !== 0) return
    at += 1
    walked = 0
  }
}
