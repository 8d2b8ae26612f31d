import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Tracer, trace } from '@opentelemetry/api'
import type { NounRecord } from '../index.js'
import { LifecycleSpans } from './lifecycle-spans.js'

/** Options of {@link traceLifecycles}. */
export interface TraceLifecyclesOptions {
  /** @defaultValue that of the global provider, named `@holdfast/core` */
  readonly tracer?: Tracer
}

const channel = 'holdfast:noun'

/**
 * Gives every lifecycle that is made in this process from now on, with an environment of `nodeEnv`, its spans:
 *
 * | span | from | until | events |
 * | --- | --- | --- | --- |
 * | `holdfast.dial` | the lifecycle dials, or is offered a link | it is ready, or has failed | `handshaking`, `ended` |
 * | `holdfast.link` | it is ready | its end | `stable`, `draining`, `ended` |
 *
 * Each is the root of a trace of its own: a link outlives whatever happened to start it. The span of a link is linked to
 * that of its dial. All have the attributes `holdfast.name`, `holdfast.attempt` and, once it is known, `holdfast.link` and
 * `holdfast.endpoint`; `ended` has `holdfast.end.kind`, `.advice`, `.code` and `.detail`, as far as there are any. A span is
 * an error, with the kind as `error.type`, unless the end was asked for by either side.
 *
 * Credentials and queries of URLs are left out. A lifecycle holds one open span at most. Dispose of it before the provider
 * is shut down: spans that are open then end without an `ended`.
 *
 * @example
 * ```ts
 * import { lifecycle } from '@holdfast/core'
 * import { nodeEnv, tcp } from '@holdfast/core/node'
 * import { traceLifecycles } from '@holdfast/core/open-telemetry'
 * import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
 *
 * const exporter = new InMemorySpanExporter()
 * const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
 * using _tracing = traceLifecycles({ tracer: provider.getTracer('example') })
 *
 * const env = nodeEnv({ name: 'db' })
 * const dialer = tcp({ clock: env.clock })
 * const life = lifecycle({ env, dialer, endpoints: [{ uri: 'tcp://127.0.0.1:1' }], protocol: () => ({}) })
 * life.start()
 * life.close()
 * exporter.getFinishedSpans().map(({ name }) => name) // => ['holdfast.dial']
 * ```
 */
export function traceLifecycles({
  tracer = trace.getTracer('@holdfast/core'),
}: TraceLifecyclesOptions = {}): Disposable {
  const followed = new Set<LifecycleSpans>()
  const hear = (message: unknown): void => {
    const record = message as NounRecord
    if (record.kind !== 'lifecycle') return
    // Only what it tells is held, not the lifecycle: one that nobody started must be able to become garbage.
    const { env, noun } = record
    const spans = new LifecycleSpans(tracer, env)
    followed.add(spans)
    spans.follow(noun.state$, () => followed.delete(spans))
  }
  subscribe(channel, hear)
  return {
    [Symbol.dispose]() {
      unsubscribe(channel, hear)
      for (const spans of followed) spans[Symbol.dispose]()
      followed.clear()
    },
  }
}
