import type { Millis, Timer } from '@holdfast/core'
import { liveFilters, liveRequests, recentFilters } from '../sync/layer-filters.js'
import type { NostrEvent } from '../wire/event.js'
import { type Filter, filterMatcher } from '../wire/filter.js'
import { closedMeaning } from '../wire/refusal.js'
import type { Authentication } from './authentication.js'
import type { RelayChannel, SubscriptionHandler } from './channel.js'

/** What {@link LiveSubscriptions} need of their session. */
export interface LiveContext {
  readonly channel: RelayChannel
  readonly authentication: Authentication
  /** Bytes of one REQ (R101). */
  requestBytes(): number
  /** Whether the relay takes a limit of 0 for none (R37). */
  isLimitZeroUnsafe(): boolean
  limitZeroFailed(): void
  /** How long a relay may take to its EOSE (R55). */
  readonly eoseWithin: Millis
  /** How long the relay is still to be left in peace (R84). */
  quietFor(): Millis
  /** The relay said that we ask too much. */
  complained(text: string): void
  /** The relay will not give what was asked for, in its words. */
  refused(text: string): void
  /**
   * From now on something that was asked for does not come. `passing`: it did come until now, or the relay wants quiet, so
   * that it may be asked for again; `stalled`: the relay says nothing about it, perhaps for want of time; `refused`: it never
   * will come.
   */
  lost(how: LiveLoss): void
}

/** Why something does not come any more that is to be live. */
export type LiveLoss = 'passing' | 'stalled' | 'refused'

/** From so many stored events on a live subscription on, the relay takes a limit of 0 for none (R37). */
const limitZeroTolerance = 1000
const closeOldWithin: Millis = 10_000

/** The subscriptions of a link that stay open, for what is new (R37, R49, R50). */
export class LiveSubscriptions {
  readonly #context: LiveContext
  readonly #open = new Set<LiveSubscription>()

  constructor(context: LiveContext) {
    this.#context = context
  }

  get size(): number {
    return this.#open.size
  }

  /** How many subscriptions these filters would take. */
  needed(filters: readonly Filter[]): number {
    return this.#pack(filters, 8).length
  }

  /** Subscribes to more. */
  add(filters: readonly Filter[], maxFilters = 8): void {
    this.#subscribe(this.#pack(filters, maxFilters), () => undefined)
  }

  /**
   * Subscribes to these instead of what there is. The old subscriptions stay until the new ones are live, so that no event
   * falls between (R49); unless the relay has no room for both.
   */
  replace(filters: readonly Filter[], room: number, isCrowded: boolean): void {
    const old = [...this.#open]
    const closeOld = (): void => {
      for (const subscription of old) subscription.close()
    }
    if (isCrowded) closeOld()
    const maxFilters = Math.max(8, Math.ceil(filters.length / Math.max(1, room)))
    this.#subscribe(this.#pack(filters, maxFilters), closeOld)
    this.#context.channel.after(closeOldWithin, closeOld)
  }

  /** Closes those opened at or after a moment: the relay has answered them, and then not kept them (R85). */
  dropSince(moment: Millis): void {
    for (const subscription of [...this.#open]) if (subscription.openedAt >= moment) subscription.close()
  }

  closeAll(): void {
    for (const subscription of [...this.#open]) subscription.close()
  }

  #pack(filters: readonly Filter[], maxFilters: number): Filter[][] {
    return liveRequests(filters, { maxFilters, maxBytes: this.#context.requestBytes() })
  }

  #subscribe(requests: readonly (readonly Filter[])[], allLive: () => void): void {
    let left = requests.length
    if (left === 0) allLive()
    const settled = (): void => {
      if (--left === 0) allLive()
    }
    for (const filters of requests) {
      const subscription = new LiveSubscription(this.#context, filters, settled, () =>
        this.#open.delete(subscription),
      )
      this.#open.add(subscription)
      subscription.send()
    }
  }
}

class LiveSubscription implements SubscriptionHandler {
  readonly matches: (event: NostrEvent) => boolean
  openedAt: Millis = 0
  readonly #context: LiveContext
  readonly #filters: readonly Filter[]
  #settled: (() => void) | null
  readonly #gone: () => void
  #id: string | null = null
  #isLive = false
  #stored = 0
  #hasAuthenticated = false
  #hasTimedOut = false
  #timer: Timer | null = null

  constructor(context: LiveContext, filters: readonly Filter[], settled: () => void, gone: () => void) {
    this.#context = context
    this.#filters = filters
    this.#settled = settled
    this.#gone = gone
    this.matches = filterMatcher(filters)
  }

  send(): void {
    const { channel } = this.#context
    this.#id = channel.nextId()
    this.openedAt = channel.now()
    this.#stored = 0
    channel.subscriptions.set(this.#id, this)
    const filters = this.#context.isLimitZeroUnsafe()
      ? recentFilters(this.#filters, channel.wallSeconds())
      : liveFilters(this.#filters)
    channel.send({ kind: 'req', subscription: this.#id, filters })
    this.#timer = channel.after(this.#context.eoseWithin, () => this.#stalled())
  }

  event(): void {
    if (this.#isLive || this.#context.isLimitZeroUnsafe() || ++this.#stored <= limitZeroTolerance) return
    this.#context.limitZeroFailed()
    this.#closeRequest()
    this.send()
  }

  malformed(): void {
    // Only stored events have pages to count for.
  }

  eose(): void {
    this.#timer?.cancel()
    this.#isLive = true
    this.#settle()
  }

  closed(text: string): void {
    this.#forget()
    const meaning = closedMeaning(text)
    if (meaning === 'authenticate' && !this.#hasAuthenticated) {
      this.#hasAuthenticated = true
      this.#context.authentication.require((accepted) => (accepted ? this.send() : this.#refused(text)))
      return
    }
    if (meaning === 'cool-down') this.#context.complained(text)
    else this.#context.channel.log.debug({ text }, 'the relay closed a live subscription')
    if (meaning === 'cool-down' || this.#isLive) this.#lose('passing')
    else this.#refused(text)
  }

  #refused(text: string): void {
    this.#context.refused(text)
    this.#lose('refused')
  }

  /** No EOSE: once more, when the relay has had its quiet. */
  #stalled(): void {
    this.#closeRequest()
    if (this.#hasTimedOut) {
      this.#lose('stalled')
      return
    }
    this.#hasTimedOut = true
    this.#timer = this.#context.channel.after(this.#context.quietFor(), () => this.send())
  }

  close(): void {
    this.#closeRequest()
    this.#gone()
    this.#settle()
  }

  #lose(how: LiveLoss): void {
    this.#gone()
    this.#settle()
    this.#context.lost(how)
  }

  #settle(): void {
    const settled = this.#settled
    this.#settled = null
    settled?.()
  }

  #closeRequest(): void {
    if (this.#id !== null) this.#context.channel.send({ kind: 'close', subscription: this.#id })
    this.#forget()
  }

  #forget(): void {
    this.#timer?.cancel()
    if (this.#id !== null) this.#context.channel.subscriptions.delete(this.#id)
    this.#id = null
  }
}
