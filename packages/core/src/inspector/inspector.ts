import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, type Millis, systemClock } from '../index.js'
import { replyJson, serveHttp } from '../node/http-endpoint.js'
import { contentSecurityPolicy } from './content-security-policy.js'
import { type EventSources, EventStream } from './event-stream.js'
import { page } from './page.js'
import { NounRegistry } from './registry.js'
import { stateJson, stateOf } from './state.js'
import { Timeline } from './timeline.js'
import type { InspectedProcess, InspectorState } from './types.js'

/** Where metrics come from; a `Registry` of prom-client is one. */
export interface InspectorMetrics {
  readonly contentType: string
  /** The text of an answer. */
  metrics(): Promise<string>
}

/** Options of {@link serveInspector}. */
export interface InspectorOptions {
  /** `HOST:PORT`, `[IPV6]:PORT`, or a port alone for loopback; port 0 takes a free one. */
  readonly at: string
  /** What the page calls this process. */
  readonly program: string
  /**
   * What `GET /metrics` answers.
   *
   * @defaultValue nothing: 404
   */
  readonly metrics?: InspectorMetrics
  /** @defaultValue the host's clock */
  readonly clock?: Clock
}

/** An inspector at work, until it is disposed of. It does not hold the process. */
export interface Inspector extends AsyncDisposable {
  /** The address of the page: `http://HOST:PORT/`. */
  readonly url: string
  /** How many pages are open. */
  readonly pages: number
  /** What `GET /state` answers. */
  state(): InspectorState
}

const sweepEvery: Millis = 5000

/**
 * Serves a page that shows every lifecycle, listener, pool, cursor, feed and roster that this process makes from now on with an
 * environment of `nodeEnv`, and what happens to them. Start it before them: what is there already is not seen.
 *
 * - `GET /`: the page, for browsers
 * - `GET /state`: an {@link InspectorState} as JSON
 * - `GET /metrics`: {@link InspectorOptions.metrics}
 *
 * It answers nobody but programs, the page itself, and browsers that were led here by hand. It changes nothing, keeps nothing from
 * being garbage, and while no page is open it only remembers what happened last.
 *
 * @throws an `OptionError` when there is no port in `at`, and a `HoldfastError` `HF_LISTEN_FAILED` when it cannot be bound
 *
 * @example
 * ```ts
 * import { roster } from '@holdfast/core'
 * import { serveInspector } from '@holdfast/core/inspector'
 * import { nodeEnv } from '@holdfast/core/node'
 *
 * await using inspector = await serveInspector({ at: '127.0.0.1:0', program: 'example' })
 * const peers = roster<string, object>({ env: nodeEnv({ name: 'peers' }) })
 * peers.join('ann', {})
 * peers.freeze('ann', 'left')
 *
 * const [seen] = inspector.state().rosters
 * seen?.name // => 'peers'
 * seen?.members[0]?.frozen?.why // => 'left'
 * const answer = await fetch(`${inspector.url}state`)
 * answer.status // => 200
 * ```
 */
export async function serveInspector(options: InspectorOptions): Promise<Inspector> {
  const { at, program, metrics = null, clock = systemClock() } = options
  const wall = (): Millis => Math.round(clock.wall())
  const about = (): InspectedProcess => ({ program, pid: process.pid, node: process.version, now: wall() })
  const nouns = new NounRegistry(wall)
  const timeline = new Timeline(wall)
  const sources: EventSources = { clock, nouns, timeline, about }
  const stream = new EventStream(sources)
  const sweeper = clock.sweep(sweepEvery, () => {
    nouns.sweep()
    if (stream.pages === 0) nouns.rest()
  })
  const stop = (): void => {
    sweeper.cancel()
    stream[Symbol.dispose]()
    timeline[Symbol.dispose]()
    nouns[Symbol.dispose]()
  }
  try {
    const endpoint = await serveHttp({
      at,
      option: 'inspect',
      callers: 'own-pages',
      handle: (request, response) => answer({ ...sources, stream, metrics }, request, response),
    })
    return {
      url: `${endpoint.url}/`,
      get pages() {
        return stream.pages
      },
      state: () => stateOf(sources),
      async [Symbol.asyncDispose]() {
        stop()
        await endpoint[Symbol.asyncDispose]()
      },
    }
  } catch (failure) {
    stop()
    throw failure
  }
}

interface Answers extends EventSources {
  readonly stream: EventStream
  readonly metrics: InspectorMetrics | null
}

function answer(from: Answers, { method, url }: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(always)) response.setHeader(name, value)
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    replyJson(response, 405, { error: 'nothing can be changed here' })
    return
  }
  switch (url?.split('?')[0]) {
    case '/':
      response.setHeader('content-security-policy', contentSecurityPolicy)
      reply(response, 'text/html; charset=utf-8', page)
      return
    case '/events':
      if (method === 'HEAD') reply(response, 'text/event-stream', '')
      else if (!from.stream.open(response)) tooMany(response)
      return
    case '/state':
      answerWith(response, 'application/json', stateJson(from))
      return
    case '/metrics':
      if (from.metrics === null) replyJson(response, 404, { error: 'this program has no metrics' })
      else answerWith(response, from.metrics.contentType, from.metrics.metrics())
      return
    default:
      replyJson(response, 404, { error: 'there are /, /state and /metrics' })
  }
}

function tooMany(response: ServerResponse): void {
  response.setHeader('retry-after', '10')
  replyJson(response, 503, { error: 'too many pages are open: close one' })
}

/** Whatever is answered is for whoever asked, now, and for no other site. */
const always = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

function answerWith(response: ServerResponse, type: string, text: Promise<string>): void {
  text.then(
    (body) => reply(response, type, body),
    (cause: unknown) => replyJson(response, 500, { error: String(cause) }),
  )
}

function reply(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type }).end(body)
}
