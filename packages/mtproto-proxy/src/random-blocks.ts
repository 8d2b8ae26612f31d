import { randomBytes } from 'node:crypto'
import type { RandomBytes } from './wire/random-bytes.js'

/** As much as is drawn at once. */
const blockBytes = 4096
/** More than that is drawn by itself: a view of it would keep a block alive for long. */
const mostShared = 64

/**
 * Cryptographically random bytes for whoever draws few at a time, such as the padding of each packet: a call into OpenSSL
 * costs the same for four bytes as for a thousand. No byte is given twice.
 *
 * @param draw - fills a block
 */
export function randomBlocks(draw: RandomBytes = randomBytes): RandomBytes {
  let block = draw(blockBytes)
  let at = 0
  return (size) => {
    if (size > mostShared) return draw(size)
    if (at + size > blockBytes) {
      block = draw(blockBytes)
      at = 0
    }
    at += size
    return block.subarray(at - size, at)
  }
}
