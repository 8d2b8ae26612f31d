import type { Millis } from '@holdfast/core'
import { RelayConnection, type RelayHost } from '../relay/relay-connection.js'
import type { RelayOptions } from '../relay/relay-options.js'
import type { RelayRecord } from '../relay/relay-record.js'
import { isIdle, type RelayUse, shouldForget } from '../sync/check-disconnects.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { RelayWork, SyncContext } from './relay-work.js'

/** What {@link TrackedRelays} are made of. */
export interface TrackedRelaysParts {
  readonly options: RelayOptions
  readonly host: RelayHost
  readonly context: SyncContext
  /** What an earlier process knew of a relay. */
  readonly restored: (url: RelayUrl) => RelayRecord | undefined
  /** How long after a full sync of a new relay the next one comes, in seconds (R47). */
  readonly dailyAfterSecs: () => number
}

/** The relays that are tracked: each has one object, from when it is registered until it is forgotten (R20). */
export class TrackedRelays implements Iterable<RelayWork> {
  readonly #parts: TrackedRelaysParts
  readonly #work = new Map<RelayUrl, RelayWork>()

  constructor(parts: TrackedRelaysParts) {
    this.#parts = parts
  }

  [Symbol.iterator](): Iterator<RelayWork> {
    return this.#work.values()
  }

  get(url: RelayUrl): RelayWork | undefined {
    return this.#work.get(url)
  }

  /** Makes the object of a relay, and does nothing else (R21). Idempotent; who was bootstrap once stays it. */
  register(url: RelayUrl, isBootstrap: boolean): RelayConnection {
    const known = this.#work.get(url)
    if (known !== undefined) {
      known.relay.isBootstrap ||= isBootstrap
      return known.relay
    }
    const { options, host, restored, dailyAfterSecs } = this.#parts
    const relay = new RelayConnection(url, isBootstrap, options, host, restored(url))
    this.#work.set(url, {
      relay,
      strategy: null,
      beganAt: 0,
      quietSince: null,
      idleSince: null,
      dailyAfterSecs: dailyAfterSecs(),
      owesReconciliation: false,
      owesFullSync: false,
      failuresInRow: 0,
      failedAgain: null,
      isLeaving: false,
    })
    return relay
  }

  /** Takes out a relay that was left. */
  forget(url: RelayUrl): void {
    this.#work.delete(url)
  }

  /** The relays that have been of no use for long enough (R33, R34). To be asked at intervals. */
  useless(now: Millis): RelayWork[] {
    const grace = this.#parts.context.options.disconnectCheck
    return [...this.#work.values()].filter((work) => {
      if (work.isLeaving) return false
      const use = this.#useOf(work)
      work.idleSince = isIdle(use) ? (work.idleSince ?? now) : null
      const idleFor = work.idleSince === null ? 0 : now - work.idleSince
      return shouldForget(use, idleFor, grace)
    })
  }

  #useOf({ relay }: RelayWork): RelayUse {
    const { index, confirmed } = this.#parts.context
    const phase = relay.session?.phase
    return {
      isBootstrap: relay.isBootstrap,
      status: relay.status,
      hasSynced: phase === 'connected' || phase === 'connected-with-failures',
      target: index.targetOf(relay.url),
      pendingBatches: relay.session?.pendingBatches ?? 0,
      confirmed: confirmed.of(relay.url).items,
    }
  }
}
