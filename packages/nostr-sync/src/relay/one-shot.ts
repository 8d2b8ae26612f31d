import { HoldfastError, type Millis } from '@holdfast/core'
import { syncItems } from '../sync/items.js'
import { negentropyFrameLimit } from '../sync/negentropy-plan.js'
import type { Filter } from '../wire/filter.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { type ExchangeOutcome, NegentropyExchange } from './negentropy-exchange.js'
import { RelayConnection, type RelayHost } from './relay-connection.js'
import type { RelayOptions } from './relay-options.js'
import type { RelaySession } from './relay-session.js'

/** Something to do with one relay, once. */
export interface OneShot {
  readonly url: RelayUrl
  readonly relay: RelayOptions
  readonly filters: readonly Filter[]
  /** How long to try to connect. A link that is lost later is replaced, and the work begun again. */
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
 * @throws (rejects) a `HoldfastError` `HF_NOT_READY` when the relay cannot be reached
 */
export function fetchOnce(shot: OneShot): Promise<boolean> {
  return withRelay(shot, (session, settle) => ({
    begin: (relay) => {
      session.phase = 'syncing'
      session.historicSync({
        purpose: { kind: 'catch-up', items: syncItems() },
        filters: shot.filters,
        since: null,
        method: relay.capabilities.mayUseNegentropy() ? 'negentropy' : 'req',
      })
    },
    over: (isConfirmed) => settle(isConfirmed),
  }))
}

/**
 * Finds out by negentropy what differs between a relay and what is stored, and fetches nothing.
 *
 * @throws (rejects) a `HoldfastError`: `HF_NOT_READY`; `HF_NOSTR_NO_NEGENTROPY` when the relay does not have it, or not for as
 *   many events
 */
export async function compareOnce(shot: OneShot): Promise<Difference> {
  const outcomes = await withRelay<ExchangeOutcome[]>(shot, (session, settle) => ({
    begin: () => {
      void Promise.all(shot.filters.map((filter) => exchanged(session, shot, filter))).then(settle)
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

interface Work {
  begin(relay: RelayConnection): void
  over(isConfirmed: boolean): void
}

async function withRelay<T>(
  { url, relay: options, connectWithin }: OneShot,
  workOn: (session: RelaySession, settle: (result: T) => void) => Work,
): Promise<T> {
  let settle: (result: T) => void = () => undefined
  const settled = new Promise<T>((resolve) => (settle = resolve))
  let work: Work | null = null
  const nothing = (): void => undefined
  const host: RelayHost = {
    connected(relay, session) {
      work = workOn(session, settle)
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
    await relay.life.whenReady({ within: connectWithin })
    return await settled
  } finally {
    await relay.leave(1000)
  }
}
