import { feed, listen } from '@holdfast/core'
import { webSocket } from '@holdfast/core/web-socket'
import type { RelayInfo } from '../wire/relay-info.js'
import type { SharedByClients } from './client.js'
import { ClientSession } from './client-session.js'
import { EndpointStats } from './endpoint-stats.js'
import { endpointLimits } from './limits.js'
import { Reconciliations } from './reconciliations.js'
import { relayInfoHandler } from './relay-info-handler.js'
import { SavedLog } from './saved-log.js'
import type { EndpointLimits, RelayEndpoint, RelayEndpointOptions } from './types.js'

/** How long a client may be silent; it is pinged more often. */
const hearWithin = 90_000
/** What may wait for a client that does not read, and how long. */
const outbound = { bytes: 8 * 1024 * 1024, age: 60_000 }
/** Characters of the last saved events, from which slow clients catch up. */
const followChars = 16 * 1024 * 1024

/**
 * Starts a relay over a store.
 *
 * What a client can make it hold is bounded: messages, subscriptions and reconciliations by {@link EndpointLimits}, answers by
 * reading no more of a client that does not read itself, and by giving it up after a minute.
 *
 * @throws (rejects) an `OptionError` for a wrong option; a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound
 * @example
 * ```ts
 * import { systemEnv } from '@holdfast/core'
 * import { eventIntake, graspPolicy, memoryStore, relayEndpoint, startVerifier } from '@holdfast/nostr-sync'
 *
 * const env = systemEnv()
 * await using store = memoryStore()
 * await using verifier = await startVerifier({ env, workers: 1 })
 * const policy = graspPolicy({ domains: ['grasp.example'] })
 * await using intake = eventIntake({ env, store, verifier, policy })
 * await using relay = await relayEndpoint({ env, store, intake, at: { uri: 'ws://127.0.0.1:0' } })
 *
 * const answer = await fetch(relay.url.replace('ws:', 'http:'), { headers: { Accept: 'application/nostr+json' } })
 * const { supported_nips } = (await answer.json()) as { supported_nips: number[] }
 * supported_nips // => [1, 9, 11, 45, 77]
 * ```
 */
export async function relayEndpoint(options: RelayEndpointOptions): Promise<RelayEndpoint> {
  const { env, at, store, intake, auth = null, acceptor = webSocket({ clock: env.clock }) } = options
  const limits = endpointLimits(options.limits)
  const info = infoOf(options, limits)
  const stats = new EndpointStats()
  const log = new SavedLog(followChars)
  const saved = feed({
    env,
    compare: (a: number, b: number) => a - b,
    head: () => log.head,
    read: (after, upTo, limit) => Promise.resolve(log.read(after, upTo, limit)),
    sizeOf: ({ json }) => json.length,
    page: { bytes: 256 * 1024, count: 100 },
    live: { bytes: 256 * 1024 },
  })
  const stopFollowing = store.onChange((change) => {
    if (change.kind === 'saved') saved.publish([log.add(change.event)], log.head)
  })
  const reconciliations = new Reconciliations(store, limits, stats)
  const shared: SharedByClients = {
    ...{ env, store, intake, limits, auth, stats, log },
    ...{ feed: saved, reconciliations },
  }
  try {
    const listener = await listen({
      env,
      acceptor,
      at: { answer: relayInfoHandler(info), maxPayload: limits.messageBytes, ...at },
      limits: { links: limits.clients, handshaking: limits.clients, perAddress: limits.clientsPerAddress },
      protocol: (scope) => new ClientSession(shared, scope),
      keepalive: { hearWithin, arm: 'at-open' },
      outbound,
    })
    return {
      url: listener.endpoint.uri.replace(/\/$/, ''),
      info,
      stats,
      get state() {
        return listener.state
      },
      drain: (o) => listener.drain(o).finally(stopFollowing),
      close(why) {
        stopFollowing()
        listener.close(why)
      },
      [Symbol.asyncDispose]() {
        stopFollowing()
        return Promise.resolve(listener[Symbol.asyncDispose]())
      },
    }
  } catch (failure) {
    stopFollowing()
    throw failure
  }
}

function infoOf({ info = {}, auth }: RelayEndpointOptions, limits: EndpointLimits): RelayInfo {
  return {
    supportedGrasps: [],
    ...info,
    supportedNips: [1, 9, 11, ...(auth === undefined ? [] : [42]), 45, 77],
    limitation: {
      maxMessageLength: limits.messageBytes,
      maxSubscriptions: limits.subscriptions,
      maxLimit: limits.storedEvents,
      defaultLimit: limits.defaultStoredEvents,
      maxSubscriptionId: 64,
      authRequired: auth?.required === true,
    },
  }
}
