import { Buffer } from 'node:buffer'
import { view } from '../wire/identity.js'

/** Bytes of a peer as text; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return view(bytes).toString('utf8')
}

/** Text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}
