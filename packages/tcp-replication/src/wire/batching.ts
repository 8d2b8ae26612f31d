import type { Token } from './commands.js'

/** A row and its position. */
export interface Update<Row, Position extends Token = number> {
  readonly token: Position
  readonly row: Row
}

/**
 * Writes `batch` on every row whose next row has the same token, so that the last of them carries the number (7.4).
 * Only neighbours are compared: for rows in no particular order use {@link sortByToken} first. What is `batch`
 * already stays so.
 *
 * @example
 * ```ts
 * import { batchUpdates } from '@holdfast/tcp-replication'
 *
 * batchUpdates([{ token: 4, row: 'a' }, { token: 4, row: 'b' }]).map(({ token }) => token) // => ['batch', 4]
 * ```
 */
export function batchUpdates<Row>(updates: readonly Update<Row, Token>[]): Update<Row, Token>[] {
  return updates.map(({ token, row }, index) => ({
    token: token === updates[index + 1]?.token ? 'batch' : token,
    row,
  }))
}

/**
 * Sorts by token and keeps the order of rows that share one, so that a catch-up can deliver each token as one batch:
 * sources give some streams in other orders (9.1).
 */
export function sortByToken<Row>(updates: readonly Update<Row>[]): Update<Row>[] {
  return updates.toSorted((a, b) => a.token - b.token)
}
