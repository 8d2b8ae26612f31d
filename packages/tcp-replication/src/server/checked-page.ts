import { HoldfastError } from '@holdfast/core'
import type { SourcePage } from '../source/types.js'

/**
 * Holds a page to what a source promises. Clients take what they are sent for complete and in order, so that a
 * source's mistake would become rows that nobody misses.
 *
 * @throws a `HoldfastError` `HF_SOURCE_BROKEN`
 */
export function checkedPage(page: SourcePage, after: number, upTo: number): SourcePage {
  if (!(page.to > after && page.to <= upTo)) throw broken(`ends at ${page.to}`, after, upTo)
  let last = after
  for (const { token } of page.batches) {
    if (!(token > last && token <= page.to)) throw broken(`has ${token} after ${last}`, after, upTo)
    last = token
  }
  return page
}

function broken(what: string, after: number, upTo: number): HoldfastError {
  return new HoldfastError('HF_SOURCE_BROKEN', `the source's page after ${after} up to ${upTo} ${what}`)
}
