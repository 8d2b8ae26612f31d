import { type Dialer, type Env, lifecycle, type Millis } from '@holdfast/core'
import { webSocket } from '@holdfast/core/web-socket'
import type { EventSigner } from '../relay/signer.js'
import { whileReachable } from '../relay/while-reachable.js'
import type { EventStore } from '../store/types.js'
import type { Filter } from '../wire/filter.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { SinkProgress } from './sink-progress.js'
import { SinkSession } from './sink-session.js'
import type { SinkStats } from './types.js'

/** Options of {@link pushOnce}. */
export interface PushOptions {
  readonly env: Env
  readonly store: EventStore
  readonly url: RelayUrl
  /** What of the store; `limit` is not looked at. */
  readonly filters: readonly Filter[]
  /**
   * How long to try to connect, at first and when a link is lost later: that is replaced, and the work begun again. Links that
   * are lost at once are no connection: they share one such time.
   */
  readonly connectWithin: Millis
  /**
   * Whether the relay is asked what it lacks. One that cannot say, or is not asked, is sent everything.
   *
   * @defaultValue 'auto'
   */
  readonly negentropy?: 'auto' | 'off'
  /** @defaultValue `webSocket()` */
  readonly dialer?: Dialer
  /** Who we are, should the relay ask (NIP-42). */
  readonly signer?: EventSigner
  /** Told after each answer of the relay what it has taken and refused so far. Must not throw. */
  readonly onAnswer?: (stats: Readonly<SinkStats>) => void
}

/**
 * Sends a relay everything stored that matches and that it lacks, by negentropy (R103), and waits for its answers.
 *
 * @returns what the relay has taken, or had, and what it has refused
 * @throws (rejects) a `HoldfastError` `HF_NOT_READY` when the relay cannot be reached, or not any more
 * @example
 * ```ts no-run
 * import { nodeEnv } from '@holdfast/core/node'
 * import { openLmdbStore, pushOnce } from '@holdfast/nostr-sync'
 *
 * await using store = await openLmdbStore({ path: 'events' })
 * const { delivered, refused } = await pushOnce({
 *   env: nodeEnv({ name: 'push' }),
 *   store,
 *   url: 'wss://relay.example',
 *   filters: [{ kinds: [30_617] }],
 *   connectWithin: 30_000,
 * })
 * console.log(delivered, refused)
 * ```
 */
export async function pushOnce(options: PushOptions): Promise<SinkStats> {
  const { env, store, url, filters, connectWithin, onAnswer } = options
  const { negentropy = 'auto', dialer = webSocket({ clock: env.clock }), signer = null } = options
  const progress = new SinkProgress(store, { filters, follow: false, ...(onAnswer && { onAnswer }) })
  await using connection = lifecycle({
    env,
    dialer,
    endpoints: [{ uri: url }],
    protocol: (scope) => new SinkSession(scope, { url, signer, progress, env, negentropy }),
    keepalive: { sendEvery: 30_000, hearWithin: 60_000, arm: 'at-open' },
  })
  try {
    connection.start()
    const patience = { clock: env.clock, peer: url, within: connectWithin }
    await whileReachable(connection, patience, progress.whenIdle())
    return progress.stats
  } finally {
    progress.close()
  }
}
