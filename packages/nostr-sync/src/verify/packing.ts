import { Buffer } from 'node:buffer'
import type { NostrEvent } from '../wire/event.js'
import type { SchnorrVerify } from './schnorr.js'

/** What a thread is sent of an event: id, public key, signature. */
const packedBytes = 128

/** A message to a thread. */
export interface Batch {
  readonly number: number
  readonly packed: Uint8Array<ArrayBuffer>
}

/** A message from a thread: one byte for each event, 1 for a valid signature. */
export interface BatchVerdicts {
  readonly number: number
  readonly verdicts: Uint8Array
}

/** Packs what has to be known of events to check their signatures. */
export function pack(events: readonly Pick<NostrEvent, 'id' | 'pubkey' | 'sig'>[]): Uint8Array<ArrayBuffer> {
  const packed = Buffer.from(new ArrayBuffer(events.length * packedBytes))
  events.forEach(({ id, pubkey, sig }, index) => {
    const at = index * packedBytes
    packed.write(id, at, 'hex')
    packed.write(pubkey, at + 32, 'hex')
    packed.write(sig, at + 64, 'hex')
  })
  return new Uint8Array(packed.buffer)
}

/** Checks what {@link pack} has packed. */
export function checkPacked(packed: Uint8Array, verify: SchnorrVerify): Uint8Array {
  return Uint8Array.from({ length: packed.length / packedBytes }, (_, index) => {
    const at = index * packedBytes
    const [id, key, signature] = [
      packed.subarray(at, at + 32),
      packed.subarray(at + 32, at + 64),
      packed.subarray(at + 64, at + packedBytes),
    ]
    return verify(signature, id, key) ? 1 : 0
  })
}
