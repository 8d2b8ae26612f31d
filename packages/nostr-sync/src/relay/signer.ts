import { Buffer } from 'node:buffer'
import { OptionError } from '@holdfast/core'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { eventId, type NostrEvent } from '../wire/event.js'
import { isHex64 } from '../wire/hex.js'

/** Signs events in somebody's name. */
export interface EventSigner {
  /** 64 hex digits. */
  readonly pubkey: string
  /** Completes an event by author, id and signature. */
  sign(event: Omit<NostrEvent, 'id' | 'pubkey' | 'sig'>): NostrEvent
}

/**
 * Signs with a secret key.
 *
 * @param secretKey - 64 hex digits; it shows in no log and no message
 * @throws an `OptionError` when it is no secret key
 */
export function keySigner(secretKey: string): EventSigner {
  const key = Buffer.from(secretKey, 'hex')
  if (!isHex64(secretKey) || !secp256k1.utils.isValidSecretKey(key))
    throw new OptionError('authKey', 'a secret key of 64 lower-case hex digits', 'something else')
  const pubkey = Buffer.from(schnorr.getPublicKey(key)).toString('hex')
  return {
    pubkey,
    sign(unsigned) {
      const event = { ...unsigned, pubkey }
      const id = eventId(event)
      return { ...event, id, sig: Buffer.from(schnorr.sign(Buffer.from(id, 'hex'), key)).toString('hex') }
    },
  }
}
