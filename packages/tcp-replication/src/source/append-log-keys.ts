import { OptionError } from '@holdfast/core'

/**
 * The keys of an append log: a byte that tells the kind, then the rest. Tokens are written so that bytes sort as
 * numbers do.
 */
const kind = { format: 0, owner: 1, stream: 2, position: 3, batch: 4 }

/** Says that the database is an append log, and of which version. */
export const formatKey = Buffer.from([kind.format])
/** Says which process writes. */
export const ownerKey = Buffer.from([kind.owner])
/** Between these two keys are the streams' records. */
export const streamKeys = { start: Buffer.from([kind.stream]), end: Buffer.from([kind.stream + 1]) }

/** Where a stream's record is. */
export function streamKey(name: string): Buffer {
  return textKey(kind.stream, name)
}

/** The name of the stream whose record is there. */
export function streamOf(key: Buffer): string {
  return key.toString('utf8', 1)
}

/** Where a reader's position is. */
export function positionKey(name: string): Buffer {
  return textKey(kind.position, name)
}

/** Where the rows of one token are. */
export function batchKey(stream: number, token: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key[0] = kind.batch
  key.writeUInt32BE(stream, 1)
  // 2^21 lifts the upper half of the most negative token to 0.
  const upper = Math.floor(token / 2 ** 32)
  key.writeUInt32BE(upper + 2 ** 21, 5)
  key.writeUInt32BE(token - upper * 2 ** 32, 9)
  return key
}

/** The token of a batch's key. */
export function tokenOf(key: Buffer): number {
  return (key.readUInt32BE(5) - 2 ** 21) * 2 ** 32 + key.readUInt32BE(9)
}

/** Far below the longest key of LMDB. */
const maxTextBytes = 500

function textKey(first: number, text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  if (bytes === 0 || bytes > maxTextBytes) {
    throw new OptionError('name', `text of 1 to ${maxTextBytes} bytes`, text)
  }
  return Buffer.concat([Buffer.from([first]), Buffer.from(text)])
}
