import { end, HoldfastError, type LinkScope, type Millis } from '@holdfast/core'
import type { StreamUpdates, UpdatesPage } from './stream-updates.js'

/** What {@link fetchMissed} needs. */
export interface MissedRows {
  readonly updates: StreamUpdates
  readonly stream: string
  readonly from: number
  readonly upTo: number
  /** The link on which they are missed: it ends when a page takes too long. */
  readonly scope: LinkScope
  readonly pageWithin: Millis
  readonly row: (token: number | 'batch', text: string) => void
  /** Resolves when what was handed on is applied. */
  readonly applied: () => Promise<void>
}

/**
 * Fetches missed rows page by page and hands each on, the rows of one token as `batch` up to the last. The next page
 * is asked for when this one is applied, because pausing the link does not hold up what comes beside it.
 *
 * @returns whether all of them were to be had
 */
export async function fetchMissed(missed: MissedRows): Promise<boolean> {
  const { stream, from, upTo, row, applied } = missed
  for (let after = from; after < upTo; ) {
    const page = await fetchPage(missed, after)
    if (page === 'too-old') return false
    page.updates.forEach(([token, text], index) => {
      row(token === page.updates[index + 1]?.[0] ? 'batch' : token, text)
    })
    // An answer that does not go on would be asked for ever.
    if (page.upTo <= after) {
      throw new HoldfastError(
        'HF_REPLICATION_CATCH_UP_FAILED',
        `the answer for ${stream} ends at ${page.upTo}, and the question began at ${after}`,
      )
    }
    after = page.upTo
    await applied()
  }
  return true
}

async function fetchPage(
  { updates, stream, upTo, scope, pageWithin }: MissedRows,
  after: number,
): Promise<UpdatesPage | 'too-old'> {
  const timer = scope.after(pageWithin, () => {
    scope.fail(end('handshake-timeout', { detail: `no answer with the missed rows of ${stream}` }))
  })
  try {
    return await updates(stream, after, upTo, scope.signal)
  } finally {
    timer.cancel()
  }
}
