import { Buffer } from 'node:buffer'

/** Copies, as chunks off a socket have memory of their own. */
const copies = (parts: readonly Uint8Array[]): Buffer[] => parts.map((part) => Buffer.from(part))

/** The bytes in pieces of a size. */
export function inPieces(bytes: Uint8Array, size: number): Buffer[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return copies(pieces)
}

/** The bytes one at a time. */
export function oneByOne(bytes: Uint8Array): Buffer[] {
  return inPieces(bytes, 1)
}

/** The bytes in two pieces, for every place to cut them. */
export function everyCut(bytes: Uint8Array): Buffer[][] {
  return Array.from({ length: bytes.length + 1 }, (_, at) =>
    copies([bytes.subarray(0, at), bytes.subarray(at)]),
  )
}
