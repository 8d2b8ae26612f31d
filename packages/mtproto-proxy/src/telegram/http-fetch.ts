import { lookup } from 'node:dns'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { type Clock, HoldfastError, type Millis } from '@holdfast/core'

/** Options of {@link httpFetch}. */
export interface HttpFetchOptions {
  readonly clock: Clock
  /** For the whole request, in milliseconds. */
  readonly within: Millis
  /** Longest body taken. */
  readonly maxBytes: number
  readonly userAgent: string
  /** Gives up; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches a small document: status 200 and nothing else, no redirects, IPv4 addresses first (spec 4).
 *
 * @throws a `HoldfastError` `HF_MTPROTO_FETCH_FAILED`
 */
export function httpFetch(url: string, options: HttpFetchOptions): Promise<Buffer> {
  const { clock, within, maxBytes, userAgent, signal } = options
  const get = url.startsWith('https:') ? httpsGet : httpGet
  return new Promise<Buffer>((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      finish()
      request.destroy()
      reject(new HoldfastError('HF_MTPROTO_FETCH_FAILED', `${url}: ${why}`, { cause }))
    }
    const abort = (): void => fail('given up', signal?.reason)
    const finish = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
    const request = get(url, {
      // A connection of its own: the next request comes in an hour.
      agent: false,
      headers: { 'user-agent': userAgent },
      lookup: (host, o, done) => lookup(host, { ...o, order: 'ipv4first' }, done),
    })
    const timer = clock.after(within, () => fail(`no answer within ${within} ms`))
    request.on('error', (cause: NodeJS.ErrnoException) => fail(cause.code ?? cause.message, cause))
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        fail(`answers HTTP ${response.statusCode}`)
        return
      }
      read(response, maxBytes, fail, (body) => {
        finish()
        resolve(body)
      })
    })
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort)
  })
}

function read(
  response: IncomingMessage,
  maxBytes: number,
  fail: (why: string, cause?: unknown) => void,
  done: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) fail(`answers more than ${maxBytes} bytes`)
    else chunks.push(chunk)
  })
  response.on('error', (cause) => fail('breaks off', cause))
  response.on('end', () => {
    if (length <= maxBytes) done(Buffer.concat(chunks))
  })
}
