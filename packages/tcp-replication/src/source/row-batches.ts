import { OptionError } from '@holdfast/core'
import { encodeJson } from '../wire/json.js'
import { TokenOrderError } from './errors.js'
import type { RowBatch } from './types.js'

/**
 * Makes one batch of JSON values.
 *
 * @throws an `UnsendableError` for a value that JSON does not have
 */
export function batchOf(stream: string, token: number, rows: readonly unknown[]): RowBatch {
  checkToken(stream, token)
  if (rows.length === 0) throw new OptionError('rows', 'at least one row', rows)
  return { token, rows: rows.map(encodeJson) }
}

/**
 * Brings batches that came in any order into the order of their tokens, and joins those that share one: a catch-up
 * delivers the rows of one token as several batches, and each counts.
 *
 * @throws an error when a batch is empty, or a row is not one line of text
 */
export function inTokenOrder(stream: string, batches: readonly RowBatch[]): RowBatch[] {
  for (const { token, rows } of batches) {
    checkToken(stream, token)
    if (rows.length === 0) throw new OptionError('batches.rows', 'at least one row', rows)
    for (const row of rows) {
      if (row.length === 0 || row.includes('\n')) throw new OptionError('batches.rows', 'lines of JSON', row)
    }
  }
  return joined(batches)
}

/** Sorts by token and joins what shares one, the earlier rows first. */
export function joined(batches: readonly RowBatch[]): RowBatch[] {
  const result: RowBatch[] = []
  for (const batch of batches.toSorted((a, b) => a.token - b.token)) {
    const last = result.at(-1)
    if (last?.token === batch.token) result[result.length - 1] = join(last, batch)
    else result.push(batch)
  }
  return result
}

/** @throws a {@link TokenOrderError} unless the token is a safe integer */
export function checkToken(stream: string, token: number): void {
  if (!Number.isSafeInteger(token)) throw new TokenOrderError(stream, token, 'an integer up to 2^53-1')
}

function join(first: RowBatch, second: RowBatch): RowBatch {
  return { token: first.token, rows: [...first.rows, ...second.rows] }
}
