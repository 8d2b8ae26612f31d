import { type Dialer, type Env, type LifecycleState, lifecycle, type Millis } from '@holdfast/core'
import { webSocket } from '@holdfast/core/web-socket'
import type { Observable } from 'rxjs'
import type { EventSigner } from '../relay/signer.js'
import type { EventStore } from '../store/types.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { SinkProgress } from './sink-progress.js'
import { SinkSession } from './sink-session.js'
import type { EventSink } from './types.js'

/** Options of {@link relaySink}. */
export interface RelaySinkOptions {
  readonly env: Env
  readonly store: EventStore
  readonly url: RelayUrl
  /** @defaultValue `webSocket()` */
  readonly dialer?: Dialer
  /** Who we are, should the relay ask (NIP-42). */
  readonly signer?: EventSigner
}

/** A relay that gets everything that is saved. */
export interface RelaySink extends EventSink {
  readonly state: LifecycleState
  readonly state$: Observable<LifecycleState>
}

/**
 * Passes everything that is stored on to another relay, and stays connected to it: for whoever runs a relay already, and wants
 * it to have what a mirror collects.
 *
 * At the first connection the relay is asked by negentropy what it lacks, and is sent that; one without negentropy is sent
 * everything. From then on it gets what is saved, each event until it has answered to it: at most 100 wait for their answers
 * (R103). After an interruption it goes on where it was.
 *
 * @example
 * ```ts no-run
 * import { once } from 'node:events'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { openLmdbStore, relaySink } from '@holdfast/nostr-sync'
 *
 * const env = nodeEnv({ name: 'mirror' })
 * await using store = await openLmdbStore({ path: 'events' })
 * await using sink = relaySink({ env, store, url: 'ws://127.0.0.1:7777' })
 * sink.state$.subscribe(({ phase }) => console.log(sink.name, phase))
 * await once(process, 'SIGINT')
 * ```
 */
export function relaySink(options: RelaySinkOptions): RelaySink {
  const { env, store, url, dialer = webSocket({ clock: env.clock }), signer = null } = options
  const progress = new SinkProgress(store, { filters: [{}], follow: true })
  const connection = lifecycle({
    env,
    dialer,
    endpoints: [{ uri: url }],
    protocol: (scope) => new SinkSession(scope, { url, signer, progress, env, negentropy: 'auto' }),
    keepalive: { sendEvery: 30_000, hearWithin: 60_000, arm: 'at-open' },
  })
  connection.start()
  const close = (): Promise<void> => {
    progress.close()
    return Promise.resolve(connection[Symbol.asyncDispose]())
  }
  return {
    name: url,
    stats: progress.stats,
    get state() {
      return connection.state
    },
    state$: connection.state$,
    async drain({ within }: { readonly within: Millis }) {
      await new Promise<void>((resolve) => {
        const timer = env.clock.after(within, resolve)
        void progress.whenIdle().then(() => {
          timer.cancel()
          resolve()
        })
      })
      await close()
    },
    [Symbol.asyncDispose]: close,
  }
}
