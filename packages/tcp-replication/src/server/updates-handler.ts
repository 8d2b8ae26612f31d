import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReplicationSource, SourcePage } from '../source/types.js'
import { bearerPermits } from './bearer.js'
import { requestUrl } from './request-url.js'

/** Options of {@link streamUpdatesHandler}. */
export interface StreamUpdatesHandlerOptions {
  readonly source: ReplicationSource
  /** Synapse's `worker_replication_secret`: asked for as a bearer token. */
  readonly secret?: string
}

const pageBytes = 1024 * 1024
const path = /^\/_synapse\/replication\/get_repl_stream_updates\/([^/]+)\/[^/]+$/

/**
 * Answers `GET /_synapse/replication/get_repl_stream_updates/STREAM/TXN?from_token=A&upto_token=B`, with which D2
 * clients fetch what they have missed (14.3). For a server of `node:http`.
 *
 * @returns whether the request was for it; if not, nothing was answered
 */
export function streamUpdatesHandler(
  options: StreamUpdatesHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = requestUrl(request)
    const stream = path.exec(url?.pathname ?? '')?.[1]
    if (url === null || stream === undefined) return false
    if (request.method !== 'GET') refuse(response, 405, 'M_UNRECOGNIZED', 'Only GET')
    else if (!bearerPermits(request, options.secret))
      refuse(response, 401, 'M_UNAUTHORIZED', 'Missing or wrong secret')
    else void answer(decoded(stream), url.searchParams, response, options.source)
    return true
  }
}

/** What cannot be decoded is the name of no stream. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

async function answer(
  stream: string,
  query: URLSearchParams,
  response: ServerResponse,
  source: ReplicationSource,
): Promise<void> {
  const from = Number(query.get('from_token') ?? Number.NaN)
  const upTo = Number(query.get('upto_token') ?? Number.NaN)
  if (!source.streams.includes(stream)) {
    refuse(response, 400, 'M_UNKNOWN', 'Unknown stream')
    return
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(upTo)) {
    refuse(response, 400, 'M_INVALID_PARAM', 'from_token and upto_token must be integers')
    return
  }
  try {
    const { first, page } = await readHeld(source, stream, from, upTo)
    const updates = page.batches.flatMap(({ token, rows }) => rows.map((row) => `[${token},${row}]`))
    // A position that a reset has put out of reach is never come to, and would be asked for without end.
    const limited = page.to < Math.min(upTo, source.head(stream))
    const lost = first > from ? `,"first":${first}` : ''
    const reached = limited ? page.to : upTo
    reply(
      response,
      200,
      `{"updates":[${updates.join(',')}],"upto_token":${reached},"limited":${limited}${lost}}`,
    )
  } catch {
    // The source's failure is its own to report; the client asks again.
    refuse(response, 500, 'M_UNKNOWN', 'The source failed')
  }
}

/**
 * Reads what is still held. A worker of Synapse gives up a stream for which it gets an error, so that lost rows are
 * no error; whoever wants to know finds where the rows begin in `first`.
 */
async function readHeld(
  source: ReplicationSource,
  stream: string,
  from: number,
  upTo: number,
): Promise<{ readonly first: number; readonly page: SourcePage }> {
  for (;;) {
    const first = source.first(stream)
    const page = await source.read(stream, Math.max(from, first), upTo, { bytes: pageBytes })
    if (page !== 'too-old') return { first, page }
  }
}

function refuse(response: ServerResponse, status: number, errcode: string, error: string): void {
  reply(response, status, JSON.stringify({ errcode, error }))
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body)
}
