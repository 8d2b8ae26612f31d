import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { serveHttp } from '../node/http-endpoint.js'
import { MetricSet } from './metric-set.js'

/** Options of {@link collectMetrics}. */
export interface MetricsOptions {
  /** @defaultValue a new one */
  readonly registry?: Registry
  /**
   * Node's own too: memory, event loop, garbage collection.
   *
   * @defaultValue true
   */
  readonly process?: boolean
}

/** What is collected until it is disposed of. */
export interface CollectedMetrics extends Disposable {
  readonly registry: Registry
}

interface TraceRecord {
  readonly kind?: string
  readonly from?: string
  readonly to?: string
  readonly why?: { readonly kind?: string }
}

/**
 * Counts what the traces of `nodeEnv` tell, from now on, of the whole process:
 *
 * - `holdfast_lifecycles{phase}`: how many lifecycles are in each phase; idle and closed ones do not count
 * - `holdfast_link_ends_total{kind}`: why links ended
 * - `holdfast_events_total{channel,kind}`: all that was traced
 */
export function collectMetrics(options: MetricsOptions = {}): CollectedMetrics {
  const { registry = new Registry(), process = true } = options
  if (process) collectDefaultMetrics({ register: registry })
  const metrics = new MetricSet(registry, 'holdfast_')
  const lifecycles = new Map<string, number>()
  metrics.gauge({ name: 'lifecycles', help: 'Lifecycles by phase', labels: ['phase'] }, () => lifecycles)
  const shift = (phase: string, by: 1 | -1): void =>
    void lifecycles.set(phase, (lifecycles.get(phase) ?? 0) + by)
  const ends = metrics.counts({ name: 'link_ends_total', help: 'Ended links by reason', labels: ['kind'] })
  const events = metrics.counts({ name: 'events_total', help: 'Traced events', labels: ['channel', 'kind'] })
  const hear = (message: unknown, channel: string | symbol): void => {
    const { kind = 'unnamed', from, to, why } = message as TraceRecord
    const short = String(channel).slice('holdfast:'.length)
    events(short, kind).inc()
    if (short === 'link' && kind === 'ended') ends(why?.kind ?? 'unknown').inc()
    if (short !== 'lifecycle' || from === undefined || to === undefined) return
    if (from !== 'idle') shift(from, -1)
    if (to !== 'closed') shift(to, 1)
  }
  const channels = ['link', 'lifecycle', 'move', 'drain', 'cursor', 'roster'].map(
    (name) => `holdfast:${name}`,
  )
  for (const channel of channels) subscribe(channel, hear)
  return {
    registry,
    [Symbol.dispose]() {
      for (const channel of channels) unsubscribe(channel, hear)
    },
  }
}

/** What metrics are served from: a registry, or whoever gathers those of several processes. */
export type MetricsSource = Pick<Registry, 'contentType' | 'metrics'>

/** Options of {@link serveMetrics}. */
export interface MetricsServerOptions {
  /** `HOST:PORT`, or a port alone for loopback; port 0 takes a free one. */
  readonly at: string
  readonly registry: MetricsSource
}

/** A metrics endpoint, until it is disposed of. */
export interface MetricsServer extends AsyncDisposable {
  /** `http://HOST:PORT/metrics`. */
  readonly uri: string
}

/**
 * Serves a registry for Prometheus at `/metrics`. It does not hold the process.
 *
 * @throws a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound
 */
export async function serveMetrics({ at, registry }: MetricsServerOptions): Promise<MetricsServer> {
  const endpoint = await serveHttp({
    at,
    option: 'metrics',
    callers: 'anybody',
    handle: (request, response) => answerMetrics(registry, request, response),
  })
  return {
    uri: `${endpoint.url}/metrics`,
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  }
}

/** Answers `/metrics` from a registry, and 404 or 405 to everything else: for an {@link serveHttp} that serves more. */
export function answerMetrics(
  registry: MetricsSource,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!isRead || request.url?.split('?')[0] !== '/metrics') {
    response.writeHead(isRead ? 404 : 405).end()
    return
  }
  registry.metrics().then(
    (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
    (cause: unknown) => response.writeHead(500).end(String(cause)),
  )
}
