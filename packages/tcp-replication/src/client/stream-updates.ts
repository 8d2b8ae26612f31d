import { HoldfastError } from '@holdfast/core'
import { z } from 'zod'
import { randomLetters } from '../random-letters.js'

/** A page of missed rows (14.3). */
export interface UpdatesPage {
  /** Token and JSON of each row; equal tokens are adjacent. */
  readonly updates: readonly (readonly [token: number, row: string])[]
  /** How far this page reaches. */
  readonly upTo: number
}

/**
 * Fetches rows that were missed: those with `from < token ≤ upTo`, from the oldest on; `too-old` when they are no
 * longer to be had.
 */
export type StreamUpdates = (
  stream: string,
  from: number,
  upTo: number,
  signal: AbortSignal,
) => Promise<UpdatesPage | 'too-old'>

/** Options of {@link httpStreamUpdates}. */
export interface HttpStreamUpdatesOptions {
  /** Of the process's HTTP replication listener, for example `http://127.0.0.1:9093`. */
  readonly baseUrl: string
  /** Synapse's `worker_replication_secret`. */
  readonly secret?: string
  /** Uniform in [0, 1); names each request. */
  readonly random: () => number
}

/** Synapse sends about a hundred rows of at most 16 KiB at a time, and more only where they share a token. */
const longestAnswer = 64 * 1024 * 1024

const answer = z.object({
  updates: z.array(z.tuple([z.number().int(), z.unknown()])),
  upto_token: z.number().int(),
  limited: z.boolean(),
  /** Holdfast's servers say so when rows were lost: those up to here. Synapse's do not say it (9.4). */
  first: z.number().int().exactOptional(),
})

/**
 * Fetches missed rows over Synapse's HTTP replication interface.
 *
 * The function made rejects with a `HoldfastError` `HF_REPLICATION_CATCH_UP_FAILED` when the answer is not what it
 * should be.
 */
export function httpStreamUpdates(options: HttpStreamUpdatesOptions): StreamUpdates {
  const { baseUrl, secret, random } = options
  return async (stream, from, upTo, signal) => {
    // Answers are cached by this alone: one used before returns another stream's rows.
    const transaction = randomLetters(10, random)
    const path = `/_synapse/replication/get_repl_stream_updates/${encodeURIComponent(stream)}/${transaction}`
    const url = new URL(`${path}?from_token=${from}&upto_token=${upTo}`, baseUrl)
    const headers = secret === undefined ? {} : { Authorization: `Bearer ${secret}` }
    // A redirect would carry the answer, and where it stays on the host the secret, past what was configured.
    const response = await fetch(url, { headers, signal, redirect: 'error' })
    if (!response.ok) throw failed(stream, `HTTP ${response.status}`)
    const page = answer.safeParse(await bodyOf(response, stream))
    if (!page.success) throw failed(stream, z.prettifyError(page.error))
    const { updates, upto_token, limited, first = from } = page.data
    if (first > from) return 'too-old'
    return {
      updates: updates.map(([token, row]) => [token, JSON.stringify(row)] as const),
      upTo: limited ? upto_token : upTo,
    }
  }
}

/** The JSON of an answer, as far as it fits into memory. */
async function bodyOf(response: Response, stream: string): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > longestAnswer) throw failed(stream, `more than ${longestAnswer} bytes in one answer`)
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch {
    // The engine's message quotes the text, which may hold an access token.
    throw failed(stream, 'the answer is not JSON')
  }
}

function failed(stream: string, why: string): HoldfastError {
  return new HoldfastError('HF_REPLICATION_CATCH_UP_FAILED', `fetching missed rows of ${stream}: ${why}`)
}
