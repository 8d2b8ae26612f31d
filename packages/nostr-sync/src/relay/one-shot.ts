import { HoldfastError, type Millis } from '@holdfast/core'
import { syncItems } from '../sync/items.js'
import { negentropyFrameLimit } from '../sync/negentropy-plan.js'
import type { Filter } from '../wire/filter.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { type ExchangeOutcome, NegentropyExchange } from './negentropy-exchange.js'
import { RelayConnection, type RelayHost } from './relay-connection.js'
import type { RelayOptions } from './relay-options.js'
import type { RelaySession } from './relay-session.js'
import { whileReachable } from './while-reachable.js'

/** Something to do with one relay, once. */
export interface OneShot {
  readonly url: RelayUrl
  readonly relay: RelayOptions
  readonly filters: readonly Filter[]
  /**
   * How long to try to connect, at first and when a link is lost later: that is replaced, and the work begun again. Links that
   * are lost at once are no connection: they share one such time.
   */
  readonly connectWithin: Millis
}

/** What differs between a relay and us. */
export interface Difference {
  /** Ids of events that only the relay has. */
  readonly need: readonly string[]
  /** Ids of those that only we have. */
  readonly have: readonly string[]
}

/**
 * Fetches everything that a relay has of some filters, by negentropy where it has that.
 *
 * @returns whether all of it came
 * @throws (rejects) a `HoldfastError` `HF_NOT_READY` when the relay cannot be reached, or not any more
 * @example
 * ```ts no-run
 * import { nodeEnv } from '@holdfast/core/node'
 * import { eventIntake, fetchOnce, openLmdbStore, openPolicy, relayOptions, startVerifier } from '@holdfast/nostr-sync'
 *
 * const env = nodeEnv({ name: 'fetch' })
 * await using store = await openLmdbStore({ path: 'events' })
 * await using verifier = await startVerifier({ env })
 * await using intake = eventIntake({ env, store, verifier, policy: openPolicy() })
 * const relay = relayOptions({ env, intake, items: (filter) => store.items(filter) })
 * await fetchOnce({ url: 'wss://relay.example', relay, filters: [{ kinds: [30_617] }], connectWithin: 30_000 })
 * ```
 */
export function fetchOnce(shot: OneShot): Promise<boolean> {
  return withRelay(shot, (session, { resolve }) => ({
    begin: (relay) => {
      session.phase = 'syncing'
      session.historicSync({
        purpose: { kind: 'catch-up', items: syncItems() },
        filters: shot.filters,
        since: null,
        method: relay.capabilities.mayUseNegentropy() ? 'negentropy' : 'req',
      })
    },
    over: resolve,
  }))
}

/**
 * Finds out by negentropy what differs between a relay and what is stored, and fetches nothing.
 *
 * @throws (rejects) a `HoldfastError`: `HF_NOT_READY`; `HF_NOSTR_NO_NEGENTROPY` when the relay does not have it, or not for as
 *   many events
 */
export async function compareOnce(shot: OneShot): Promise<Difference> {
  const outcomes = await withRelay<ExchangeOutcome[]>(shot, (session, { resolve, reject }) => ({
    begin: () => {
      Promise.all(shot.filters.map((filter) => exchanged(session, shot, filter))).then(resolve, reject)
    },
    over: () => undefined,
  }))
  const need = new Set<string>()
  const have = new Set<string>()
  for (const outcome of outcomes) {
    if (outcome.kind !== 'reconciled') {
      const why = outcome.kind === 'too-large' ? 'too many events match; ask for less' : outcome.why
      throw new HoldfastError('HF_NOSTR_NO_NEGENTROPY', `${shot.url} does not compare what it has: ${why}`)
    }
    for (const id of outcome.need.hex()) need.add(id)
    for (const id of outcome.have.hex()) have.add(id)
  }
  return { need: [...need], have: [...have] }
}

function exchanged(session: RelaySession, { relay }: OneShot, filter: Filter): Promise<ExchangeOutcome> {
  return relay.items(filter).then(
    (items) =>
      new Promise((resolve) => {
        const frameLimit = negentropyFrameLimit(filter)
        if (items === 'too-many' || frameLimit === null) resolve({ kind: 'too-large' })
        else
          new NegentropyExchange(session.channel, { filter, items, frameLimit, done: resolve }).start(
            () => undefined,
          )
      }),
  )
}

/** The result of the first link that has one. */
interface Result<T> {
  readonly resolve: (result: T) => void
  readonly reject: (cause: unknown) => void
}

interface Work {
  begin(relay: RelayConnection): void
  over(isConfirmed: boolean): void
}

async function withRelay<T>(
  { url, relay: options, connectWithin }: OneShot,
  workOn: (session: RelaySession, result: Result<T>) => Work,
): Promise<T> {
  const nothing = (): void => undefined
  let result: Result<T> = { resolve: nothing, reject: nothing }
  const settled = new Promise<T>((resolve, reject) => (result = { resolve, reject }))
  let work: Work | null = null
  const host: RelayHost = {
    connected(relay, session) {
      work = workOn(session, result)
      work.begin(relay)
    },
    disconnected: () => (work = null),
    confirmed: () => work?.over(true),
    failed: () => work?.over(false),
    cooledDown: nothing,
    restoreLive: nothing,
    liveRefused: nothing,
    changed: nothing,
  }
  const relay = new RelayConnection(url, true, options, host)
  try {
    relay.start()
    const patience = { clock: options.env.clock, peer: url, within: connectWithin }
    return await whileReachable(relay.life, patience, settled)
  } finally {
    await relay.leave(1000)
  }
}
