import type { Env } from '@holdfast/core'
import { systemEnv } from '@holdfast/core'
import {
  type AdmissionPolicy,
  type EventStore,
  eventIntake,
  type Intake,
  memoryStore,
  type NostrEvent,
  openPolicy,
  type RelayEndpoint,
  type RelayEndpointOptions,
  relayEndpoint,
  startVerifier,
  type Verifier,
} from '../index.js'

/** Options of {@link embeddedRelay}. */
export interface EmbeddedRelayOptions
  extends Partial<Pick<RelayEndpointOptions, 'at' | 'acceptor' | 'info' | 'limits' | 'auth'>> {
  /** @defaultValue that of the system, with a silent log */
  readonly env?: Env
  /** What is stored from the start; signatures are believed. */
  readonly events?: readonly NostrEvent[]
  /** @defaultValue takes everything */
  readonly policy?: AdmissionPolicy
  /** @defaultValue one with a thread of its own */
  readonly verifier?: Verifier
}

/** A relay in the process, over a store in memory. */
export interface EmbeddedRelay extends AsyncDisposable {
  readonly url: string
  readonly store: EventStore
  readonly intake: Intake
  readonly endpoint: RelayEndpoint
  /** Stores events, as if somebody had sent them; signatures are believed. */
  publish(...events: readonly NostrEvent[]): Promise<void>
}

/**
 * Starts a relay on loopback, for tests of whatever speaks to relays.
 *
 * @example
 * ```ts no-run
 * import { embeddedRelay, TestAuthor } from '@holdfast/nostr-sync/testing'
 *
 * const alice = new TestAuthor('alice')
 * await using relay = await embeddedRelay({ events: [alice.announces('project')] })
 * console.log(`connect to ${relay.url}`)
 * ```
 */
export async function embeddedRelay(options: EmbeddedRelayOptions = {}): Promise<EmbeddedRelay> {
  const { env = systemEnv(), events = [], policy = openPolicy(), at = { uri: 'ws://127.0.0.1:0' } } = options
  const { acceptor, info, limits, auth } = options
  const store = memoryStore(env.clock)
  const verifier = options.verifier ?? (await startVerifier({ env, workers: 1 }))
  const intake = eventIntake({ env, store, verifier, policy })
  const publish = async (...saved: readonly NostrEvent[]): Promise<void> => {
    await store.put(saved)
  }
  await publish(...events)
  const endpoint = await relayEndpoint({
    ...{ env, at, store, intake },
    ...(acceptor && { acceptor }),
    ...(info && { info }),
    ...(limits && { limits }),
    ...(auth && { auth }),
  })
  return {
    url: endpoint.url,
    ...{ store, intake, endpoint, publish },
    async [Symbol.asyncDispose]() {
      await endpoint[Symbol.asyncDispose]()
      await intake.close()
      if (options.verifier === undefined) await verifier.close()
      await store.close()
    },
  }
}
