import { Buffer } from 'node:buffer'
import { NegentropyError } from './errors.js'

const pairs = /^(?:[0-9a-f]{2})*$/i

/**
 * Reads a message as NIP-77 carries it.
 *
 * @throws a {@link NegentropyError} for anything but pairs of hex digits, where `Buffer.from` would stop in silence
 */
export function negentropyFromHex(text: string): Uint8Array {
  if (!pairs.test(text)) throw new NegentropyError('the message is not in hex')
  return Buffer.from(text, 'hex')
}

/** Writes a message as NIP-77 carries it. */
export function negentropyToHex(message: Uint8Array): string {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('hex')
}
