import { Buffer } from 'node:buffer'
import { long, uint } from './tl.js'

/** Gives the ids of a data centre's messages: time, ever increasing, 1 modulo 4 for answers and 3 for what is unasked. */
export type NextMessageId = (kind: 'answer' | 'unasked') => bigint

/** Makes one from a clock that gives Unix milliseconds. */
export function messageIds(now: () => number): NextMessageId {
  let last = 0n
  return (kind) => {
    const ms = BigInt(Math.floor(now()))
    const fromClock = ((ms / 1000n) << 32n) | ((((ms % 1000n) << 32n) / 1000n) & ~3n)
    last = fromClock > last ? fromClock : (last & ~3n) + 4n
    last |= kind === 'answer' ? 1n : 3n
    return last
  }
}

/** The body of a message that is not encrypted, or `null`. Padding after it is left out. */
export function readPlain(packet: Buffer): Buffer | null {
  if (packet.length < 24 || packet.readBigInt64LE(0) !== 0n) return null
  const length = packet.readUInt32LE(16)
  return length <= packet.length - 20 ? packet.subarray(20, 20 + length) : null
}

/** A message that is not encrypted. */
export function writePlain(id: bigint, body: Uint8Array): Buffer {
  return Buffer.concat([long(0n), long(id), uint(body.length), body])
}
