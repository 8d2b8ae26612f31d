import type { StreamUpdates } from './stream-updates.js'

/**
 * Fetches missed rows page by page and hands each on, the rows of one token as `batch` up to the last.
 *
 * @returns whether all of them were to be had
 */
export async function fetchMissed(
  updates: StreamUpdates,
  stream: string,
  from: number,
  upTo: number,
  signal: AbortSignal,
  row: (token: number | 'batch', text: string) => void,
): Promise<boolean> {
  for (let after = from; after < upTo; ) {
    const page = await updates(stream, after, upTo, signal)
    if (page === 'too-old') return false
    page.updates.forEach(([token, text], index) => {
      row(token === page.updates[index + 1]?.[0] ? 'batch' : token, text)
    })
    // An answer that does not go on would be asked for ever.
    if (page.upTo <= after) throw new Error(`the answer ends at ${page.upTo}, where the question began`)
    after = page.upTo
  }
  return true
}
