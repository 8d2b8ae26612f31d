import { admission, type Dialer, type DrainReport, type Env, type Millis, type Store } from '@holdfast/core'
import type { Observable } from 'rxjs'
import { graspPolicy } from '../admission/grasp-policy.js'
import { RejectedEvents } from '../admission/rejected-events.js'
import type { AdmissionPolicy } from '../admission/types.js'
import { eventIntake } from '../intake/intake.js'
import type { Intake } from '../intake/types.js'
import { relayOptions } from '../relay/default-options.js'
import type { RelayConnection } from '../relay/relay-connection.js'
import type { FetchRelayInfo } from '../relay/relay-document.js'
import type { RelayOptions } from '../relay/relay-options.js'
import type { ResolveHost } from '../relay/relay-target.js'
import type { EventSigner } from '../relay/signer.js'
import type { EventStore } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import { startVerifier } from '../verify/verifier.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { localItems } from './local-items.js'
import type { SavedState } from './saved-state.js'
import type { CaughtUp, MirrorState, RelayStatus } from './status.js'
import { SyncManager } from './sync-manager.js'
import { defaultSyncOptions, type SyncOptions } from './sync-options.js'

/** Options of {@link nostrMirror}: what it is made of, and everything of {@link SyncOptions}. */
export interface NostrMirrorOptions extends Partial<SyncOptions> {
  readonly env: Env
  readonly domains: readonly string[]
  /** Stays its owner's to close. */
  readonly store: EventStore
  /**
   * Stays its owner's to close.
   *
   * @defaultValue one of its own
   */
  readonly verifier?: Verifier
  /** @defaultValue `graspPolicy({ domains })` */
  readonly policy?: AdmissionPolicy
  /** Where to keep what is known of relays; without it each start begins anew (R88). */
  readonly state?: Store<SavedState>
  /** @defaultValue `webSocket()` */
  readonly dialer?: Dialer
  /** @defaultValue that of the host */
  readonly resolve?: ResolveHost
  /** @defaultValue by HTTP, from the addresses that were resolved */
  readonly fetchInfo?: FetchRelayInfo
  /** Who we are, for relays that ask (R92); see `keySigner`. */
  readonly signer?: EventSigner
  /**
   * Whether to connect to addresses that are not on the public internet (R4).
   *
   * @defaultValue false
   */
  readonly allowPrivateTargets?: boolean
  /**
   * Whether to use negentropy, where a relay has it (R98).
   *
   * @defaultValue 'auto'
   */
  readonly negentropy?: 'auto' | 'off'
  /**
   * Dials under way at once (R27).
   *
   * @defaultValue 10
   */
  readonly maxConcurrentConnects?: number
  /** Told when all that is wanted of a relay was fetched, how long that took. Must not throw. */
  readonly onCaughtUp?: (what: CaughtUp) => void
  /** Of each connection; see {@link RelayOptions}. */
  readonly relay?: Partial<
    Pick<
      RelayOptions,
      | 'paging'
      | 'idChunk'
      | 'eoseWithin'
      | 'historicConcurrency'
      | 'consolidationThreshold'
      | 'backoff'
      | 'rateLimit'
      | 'hearWithin'
      | 'stableAfter'
    >
  >
}

/** A mirror of all relays that the stored repositories list. */
export interface NostrMirror extends AsyncDisposable {
  /** The way in for events of others: our endpoint's clients, files. */
  readonly intake: Intake
  readonly state: MirrorState
  /** Replays, then changes. Completes once closed. */
  readonly state$: Observable<MirrorState>
  /** One relay's part of it; null while it is not known. */
  relay$(url: RelayUrl): Observable<RelayStatus | null>
  /** The object of a relay, for tools; null if it is not known. */
  relay(url: RelayUrl): RelayConnection | null
  /** Begins: what is stored says whom to connect to. Again does nothing. */
  start(): void
  /** Leaves all relays, lets what came be stored, and saves. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends at once. Idempotent. */
  close(): Promise<void>
}

/**
 * Makes a mirror: store, verifier, policy, intake and manager put together.
 *
 * @throws (rejects) what the verifier and the store of the state reject with
 * @example
 * ```ts no-run
 * import { once } from 'node:events'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { nostrMirror, openLmdbStore } from '@holdfast/nostr-sync'
 *
 * const env = nodeEnv({ name: 'mirror' })
 * await using store = await openLmdbStore({ path: 'events' })
 * await using mirror = await nostrMirror({
 *   env,
 *   store,
 *   domains: ['grasp.example'],
 *   bootstrapRelays: ['wss://relay.example'],
 * })
 * mirror.state$.subscribe(({ relays }) => console.log(relays.map(({ url, status }) => `${url} ${status}`)))
 * mirror.start()
 * await once(process, 'SIGINT')
 * await mirror.drain({ within: 10_000 })
 * ```
 */
export async function nostrMirror(options: NostrMirrorOptions): Promise<NostrMirror> {
  const { env, domains, store, state, onCaughtUp, policy = graspPolicy({ domains }) } = options
  const saved = await state?.load()
  const rejected = new RejectedEvents()
  const verifier = options.verifier ?? (await startVerifier({ env }))
  const intake = eventIntake({ env, store, verifier, policy, rejected })
  const dialing = admission({ clock: env.clock, atOnce: options.maxConcurrentConnects ?? 10 })
  const { dialer, resolve, allowPrivateTargets, fetchInfo, signer, negentropy } = options
  const relays = relayOptions({
    ...options.relay,
    ...(dialer && { dialer }),
    ...(resolve && { resolve }),
    ...(allowPrivateTargets !== undefined && { allowPrivateTargets }),
    ...(fetchInfo && { fetchInfo }),
    ...(signer && { signer }),
    ...(negentropy && { negentropy }),
    env: { ...env, random: () => env.random(), admission: dialing },
    intake,
    items: (filter) => localItems(store, rejected, filter),
  })
  const sync: SyncOptions = { ...defaultSyncOptions, ...definedOf(options), domains }
  const manager = new SyncManager(
    {
      ...{ env, options: sync, relays, store, policy, rejected },
      ...(state !== undefined && { state }),
      ...(onCaughtUp !== undefined && { onCaughtUp }),
    },
    saved,
  )
  const closeParts = async (): Promise<void> => {
    await intake.close()
    if (options.verifier === undefined) await verifier.close()
  }
  const mirror: NostrMirror = {
    intake,
    get state() {
      return manager.state
    },
    state$: manager.state$,
    relay$: (url) => manager.relay$(url),
    relay: (url) => manager.relay(url),
    start: () => manager.start(),
    async drain({ within = 5000 } = {}) {
      const report = await manager.drain(within)
      await closeParts()
      return report
    },
    async close() {
      await manager.close()
      await closeParts()
    },
    [Symbol.asyncDispose]: () => mirror.close(),
  }
  return mirror
}

/** Those of the options that are the manager's. */
function definedOf(options: NostrMirrorOptions): Partial<SyncOptions> {
  const names = Object.keys(defaultSyncOptions) as (keyof typeof defaultSyncOptions)[]
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
}
