import { end } from '@holdfast/core'
import { IdFetch, negentropyFrameLimit, requestBytes, splitByTime } from '../sync/negentropy-plan.js'
import {
  firstPage,
  isEndless,
  type PageState,
  type PagingOptions,
  pageEnd,
  pageEvent,
  passWall,
} from '../sync/paging.js'
import type { SyncMethod } from '../sync/pending-batches.js'
import type { UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import type { IdSet } from '../wire/id-set.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import { type Exchange, type ExchangeOutcome, NegentropyExchange } from './negentropy-exchange.js'
import type { Job } from './slots.js'
import { type RequestContext, StoredRequest } from './stored-request.js'

/** What a {@link FilterFetch} needs of its session. */
export interface FetchContext extends RequestContext {
  readonly paging: PagingOptions
  /** Ids of one filter (R102). */
  readonly idChunk: number
  /** Of the relay's document. */
  readonly maxMessageLength: number | undefined
  readonly mayUseNegentropy: () => boolean
  /** Negentropy is of no use with this relay, for now (R99, R102). */
  negentropyRefused(why: string): void
  /** What we have of a filter, or know not to want (R97). */
  items(filter: Filter): Promise<NegentropyItems | 'too-many'>
  /** Whether an event is not worth fetching. */
  knows(id: string): boolean
  /** A page came in. */
  paged(): void
  /** A reconciliation has ended. */
  reconciled(how: ExchangeOutcome['kind']): void
}

/** Filters that are too large are halved so often, and paged through then: who calls everything too large must not keep us busy. */
const mostHalvings = 5

/** What to do where negentropy cannot: page, or give up on what is only a second look (R46). */
export type WithoutNegentropy = 'page' | 'give-up'

/** Fetches everything that a relay has for one filter, by whatever means it has (R52 to R55, R96 to R102). */
export class FilterFetch {
  readonly #context: FetchContext
  readonly #done: (how: 'answered' | 'failed') => void
  readonly #without: WithoutNegentropy
  /** Parts that are under way. */
  #left = 0
  #hasFailed = false

  /** @param done - told once all of it has come, or will not */
  constructor(
    context: FetchContext,
    done: (how: 'answered' | 'failed') => void,
    without: WithoutNegentropy = 'page',
  ) {
    this.#context = context
    this.#done = done
    this.#without = without
  }

  start(filter: Filter, method: SyncMethod): void {
    if (method === 'negentropy') this.#reconcile(filter, this.#fallbackFor(filter))
    else this.#page(firstPage(filter, this.#context.paging))
  }

  #fallbackFor(filter: Filter): () => void {
    return () => {
      if (this.#without === 'page') this.#page(firstPage(filter, this.#context.paging))
      else this.#hasFailed = true
    }
  }

  // Pages ------------------------------------------------------------------------------------------------------

  #page(first: PageState): void {
    this.#left++
    const { channel } = this.#context
    let page = first
    this.#context.slots.add(
      new StoredRequest(this.#context, {
        filter: first.filter,
        begin: () => (page = first),
        event: (event) => {
          page = event === null ? { ...page, received: page.received + 1 } : pageEvent(page, event)
          if (isEndless(page))
            channel.fail(
              end('protocol-error', { detail: 'no end of stored events, whatever limit is asked for' }),
            )
        },
        done: (how) => {
          this.#context.paged()
          if (how === 'answered') this.#pageCame(page)
          this.#end(how === 'failed')
        },
      }),
    )
  }

  #pageCame(page: PageState): void {
    const outcome = pageEnd(page)
    if (outcome.kind === 'next') this.#page(outcome.page)
    else if (outcome.kind === 'wall') this.#passWall(page, outcome.at, this.#context.mayUseNegentropy())
  }

  #passWall(page: PageState, at: UnixSeconds, hasNegentropy: boolean): void {
    const plan = passWall(page, at, hasNegentropy)
    if (plan.kind === 'negentropy') {
      const second: Filter = { ...plan.second }
      Reflect.deleteProperty(second, 'limit')
      this.#reconcile(second, () => {
        const narrower = passWall(page, at, false)
        if (narrower.kind === 'narrow') for (const part of narrower.parts) this.#page(part)
        else this.#hasFailed = true
      })
    } else if (plan.kind === 'narrow') for (const part of plan.parts) this.#page(part)
    else {
      this.#hasFailed = true
      this.#context.channel.log.warn({ filter: page.filter, at }, 'a second with more events than a page')
    }
    if (plan.before !== null) this.#page(plan.before)
  }

  // Negentropy -------------------------------------------------------------------------------------------------

  #reconcile(filter: Filter, fallback: () => void, halvings = 0): void {
    const { channel, maxMessageLength } = this.#context
    const frameLimit = negentropyFrameLimit(filter, maxMessageLength)
    if (frameLimit === null || !this.#context.mayUseNegentropy()) {
      this.#part(fallback)
      return
    }
    this.#left++
    const exchanged = (outcome: ExchangeOutcome): void => this.#exchanged(outcome, filter, fallback, halvings)
    const have = channel.guard((items: NegentropyItems | 'too-many') => {
      if (items === 'too-many') exchanged({ kind: 'too-large' })
      else this.#exchange({ filter, items, frameLimit, done: exchanged })
    })
    const lost = channel.guard((error: unknown) => {
      channel.log.warn({ err: error }, 'what is stored could not be listed')
      exchanged({ kind: 'failed', why: String(error) })
    })
    this.#context.items(filter).then(have, lost)
  }

  #exchange(exchange: Exchange): void {
    const { channel, slots } = this.#context
    slots.add({
      start: (release) => {
        // What was queued before another session was refused need not find that out again.
        if (this.#context.mayUseNegentropy()) new NegentropyExchange(channel, exchange).start(release)
        else {
          exchange.done({ kind: 'failed', why: 'refused meanwhile' })
          release()
        }
      },
    })
  }

  #exchanged(outcome: ExchangeOutcome, filter: Filter, fallback: () => void, halvings: number): void {
    const { channel } = this.#context
    this.#context.reconciled(outcome.kind)
    switch (outcome.kind) {
      case 'reconciled':
        this.#fetchIds(outcome.need, fallback)
        break
      case 'too-large': {
        const halves = halvings < mostHalvings ? splitByTime(filter, channel.wallSeconds()) : null
        if (halves === null) fallback()
        else for (const half of halves) this.#reconcile(half, this.#fallbackFor(half), halvings + 1)
        break
      }
      case 'unsupported':
        this.#context.negentropyRefused(outcome.why)
        fallback()
        break
      case 'failed':
        channel.log.debug({ why: outcome.why }, 'a reconciliation failed')
        fallback()
    }
    this.#end(false)
  }

  #fetchIds(ids: IdSet, fallback: () => void): void {
    if (ids.size === 0) return
    const { paging, idChunk, maxMessageLength } = this.#context
    const fitting = Math.floor((requestBytes(maxMessageLength) - 200) / 67)
    const fetch = new IdFetch(ids.hex(), Math.max(1, Math.min(idChunk, paging.maxLimit ?? idChunk, fitting)))
    this.#round(fetch, fetch.chunks(), fallback)
  }

  #round(fetch: IdFetch, chunks: readonly (readonly string[])[], fallback: () => void): void {
    this.#left++
    let asked = chunks.length
    let hasFailed = false
    const done = (how: 'answered' | 'failed'): void => {
      hasFailed ||= how === 'failed'
      if (--asked === 0) this.#roundEnded(fetch, fallback, hasFailed)
    }
    const jobs = chunks.map((ids): Job => ({ start: (release) => this.#ask(ids, fetch, done, release) }))
    this.#context.slots.add(...jobs)
  }

  /** Looks only now what of it we have: to look for a million at once would keep everybody else waiting. */
  #ask(
    ids: readonly string[],
    fetch: IdFetch,
    done: (how: 'answered' | 'failed') => void,
    release: () => void,
  ): void {
    const wanted: string[] = []
    for (const id of ids) {
      if (this.#context.knows(id)) fetch.received(id)
      else wanted.push(id)
    }
    if (wanted.length === 0) {
      done('answered')
      this.#context.channel.after(0, release)
      return
    }
    const request = new StoredRequest(this.#context, {
      filter: { ids: wanted, limit: wanted.length },
      begin: () => undefined,
      event: (event) => event !== null && fetch.received(event.id),
      done,
    })
    request.start(release)
  }

  #roundEnded(fetch: IdFetch, fallback: () => void, hasFailed: boolean): void {
    const outcome = fetch.endRound()
    if (outcome.kind === 'again') this.#round(fetch, outcome.chunks, fallback)
    else if (outcome.kind === 'fallback' && outcome.missing.some((id) => !this.#context.knows(id))) {
      // Only who was asked and has answered can have nothing to give.
      if (!hasFailed) this.#context.negentropyRefused('it does not give what it says it has')
      fallback()
    }
    this.#end(false)
  }

  #part(run: () => void): void {
    this.#left++
    run()
    this.#end(false)
  }

  #end(hasFailed: boolean): void {
    if (hasFailed) this.#hasFailed = true
    if (--this.#left === 0) this.#done(this.#hasFailed ? 'failed' : 'answered')
  }
}
