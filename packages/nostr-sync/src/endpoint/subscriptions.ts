import type { FeedReader, FeedTarget, WriteResult } from '@holdfast/core'
import { type Filter, filterMatcher } from '../wire/filter.js'
import { IdSet } from '../wire/id-set.js'
import type { Client } from './client.js'
import type { SavedEvent } from './saved-log.js'
import { StoredScan } from './stored-scan.js'
import { type Job, Turns } from './turns.js'

/** The REQs and COUNTs of one client. */
export class Subscriptions {
  readonly #client: Client
  readonly #turns: Turns
  readonly #open = new Map<string, Subscription>()

  /** @param isFull - whether the client does not read at present */
  constructor(client: Client, isFull: () => boolean) {
    this.#client = client
    this.#turns = new Turns(client.scope, isFull)
    client.scope.defer(() => this.#count(-this.#open.size))
  }

  /** A REQ: what is stored, EOSE, then what comes. One of the same id is replaced (NIP-01). */
  open(id: string, filters: readonly Filter[]): void {
    this.close(id)
    const { limits } = this.#client.shared
    if (this.#open.size >= limits.subscriptions) {
      this.#client.send({
        kind: 'closed',
        subscription: id,
        text: 'rate-limited: too many subscriptions; close some',
      })
      return
    }
    const subscription = new Subscription(this.#client, id, filters, () => this.close(id))
    this.#open.set(id, subscription)
    this.#count(1)
    this.#turns.add(subscription)
  }

  /** A CLOSE. */
  close(id: string): void {
    const subscription = this.#open.get(id)
    if (subscription === undefined) return
    this.#open.delete(id)
    this.#count(-1)
    this.#turns.remove(subscription)
    subscription.end()
  }

  /** A COUNT (NIP-45): how many stored events match, whatever their `limit`; beyond our own limit roughly. */
  count(id: string, filters: readonly Filter[]): void {
    if (this.#turns.size >= this.#client.shared.limits.subscriptions)
      this.#client.send({ kind: 'closed', subscription: id, text: 'rate-limited: too many requests at once' })
    else this.#turns.add(new Count(this.#client, id, filters))
  }

  /** Ends all of them by CLOSED. */
  closeAll(text: string): void {
    for (const id of [...this.#open.keys()]) {
      this.close(id)
      this.#client.send({ kind: 'closed', subscription: id, text })
    }
  }

  /** The client reads again. */
  resume(): void {
    for (const subscription of this.#open.values()) subscription.writable()
    this.#turns.resume()
  }

  #count(by: number): void {
    this.#client.shared.stats.subscriptions += by
  }
}

class Subscription implements Job, FeedTarget<number, SavedEvent> {
  readonly #client: Client
  readonly #id: string
  readonly #matches: (event: SavedEvent['event']) => boolean
  readonly #scan: StoredScan
  /** What is saved from now on is not in the scan, or is in both: better twice than not at all. */
  readonly #from: number
  readonly #close: () => void
  #reader: FeedReader<number> | null = null

  constructor(client: Client, id: string, filters: readonly Filter[], close: () => void) {
    const { store, limits, log, env } = client.shared
    this.#client = client
    this.#id = id
    this.#matches = filterMatcher(filters)
    const scanned = { most: limits.storedEvents, byDefault: limits.defaultStoredEvents }
    this.#scan = new StoredScan(store, filters, scanned, seedOf(env))
    this.#from = log.head
    this.#close = close
  }

  step(): boolean {
    const { shared, scope } = this.#client
    try {
      this.#scan.step((event) => this.#client.sendSaved(this.#id, JSON.stringify(event)) === 'sent')
    } catch (cause) {
      shared.env.log.error({ err: cause, link: scope.link.id }, 'stored events could not be read')
      this.#fail('error: could not read what is stored')
      return false
    }
    if (!this.#scan.isDone) return true
    this.#client.send({ kind: 'eose', subscription: this.#id })
    this.#reader = shared.feed.open(scope, this.#from, this)
    return false
  }

  send(items: readonly SavedEvent[]): WriteResult {
    let result: WriteResult = 'sent'
    for (const { event, json } of items)
      if (this.#matches(event)) result = this.#client.sendSaved(this.#id, json)
    return result
  }

  caughtUp(): void {
    // Nobody is told: EOSE was about what is stored.
  }

  failed(why: 'too-old' | Error): void {
    if (why !== 'too-old') this.#client.shared.env.log.error({ err: why }, 'saved events could not be read')
    this.#client.shared.stats.slowSubscriptions++
    this.#fail('error: read too slowly; ask again for what came since')
  }

  writable(): void {
    this.#reader?.writable()
  }

  end(): void {
    this.#reader?.close()
  }

  #fail(text: string): void {
    this.#close()
    this.#client.send({ kind: 'closed', subscription: this.#id, text })
  }
}

class Count implements Job {
  readonly #client: Client
  readonly #id: string
  readonly #scan: StoredScan
  /** Filters may overlap. */
  readonly #counted: IdSet

  constructor(client: Client, id: string, filters: readonly Filter[]) {
    const { store, limits, env } = client.shared
    this.#client = client
    this.#id = id
    const unlimited = filters.map(({ limit: _, ...filter }) => filter)
    this.#scan = new StoredScan(
      store,
      unlimited,
      { most: limits.count, byDefault: limits.count },
      seedOf(env),
    )
    this.#counted = new IdSet(0, seedOf(env))
  }

  step(): boolean {
    const { shared } = this.#client
    const most = shared.limits.count
    try {
      this.#scan.step(({ id }) => this.#counted.addHex(id) && this.#counted.size < most)
    } catch (cause) {
      shared.env.log.error({ err: cause }, 'stored events could not be counted')
      this.#client.send({
        kind: 'closed',
        subscription: this.#id,
        text: 'error: could not read what is stored',
      })
      return false
    }
    const approximate = this.#counted.size >= most
    if (!this.#scan.isDone && !approximate) return true
    this.#client.send({ kind: 'count', subscription: this.#id, count: this.#counted.size, approximate })
    return false
  }
}

function seedOf(env: { random(): number }): number {
  return Math.floor(env.random() * 2 ** 32)
}
