import { createCipheriv, createDecipheriv } from 'node:crypto'

/** What one direction of a connection to a middle proxy is encrypted with: 32 bytes of key, 16 of iv. */
export interface DirectionKey {
  readonly key: Uint8Array
  readonly iv: Uint8Array
}

/** One direction of AES-256-CBC without padding: one endless stream, in which the iv carries over (spec 5.3). */
export type CbcStream = (bytes: Uint8Array) => Buffer

/** Encrypts. What is handed in must be whole blocks of 16 bytes, and comes out at once, in a buffer of its own. */
export function cbcEncryptor({ key, iv }: DirectionKey): CbcStream {
  const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
  return (blocks) => cipher.update(blocks)
}

/** Decrypts. Takes any number of bytes, and holds back those of an unfinished block. */
export function cbcDecryptor({ key, iv }: DirectionKey): CbcStream {
  const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
  return (bytes) => decipher.update(bytes)
}
