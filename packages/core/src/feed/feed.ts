import { callable, checkBudget } from '../budget.js'
import { end, type Millis, type Off } from '../end.js'
import { announce } from '../env/noun-record.js'
import { HoldfastError } from '../errors.js'
import { Interpreter, type Step } from '../interpreter.js'
import type { LinkScope, WriteResult } from '../link/types.js'
import {
  type FeedReaderEffect,
  type FeedReaderEvent,
  type FeedReaderMachine,
  feedReaderStep,
  newFeedReader,
} from './machine.js'
import type { Feed, FeedOptions, FeedPage, FeedReader, FeedTarget } from './types.js'

/** Pages read before other work of the process gets a turn: a source that answers from memory never yields. */
const pagesInARow = 16

/**
 * Makes a {@link Feed}.
 *
 * @throws an `OptionError` that names the option it refuses
 *
 * @example
 * ```ts
 * import { feed } from '@holdfast/core'
 * import { fakeScope, testEnv } from '@holdfast/core/testing'
 *
 * const log = ['a', 'b', 'c']
 * const events = feed<number, string>({
 *   env: testEnv(),
 *   compare: (a, b) => a - b,
 *   head: () => log.length,
 *   read: async (after, upTo) => ({ items: log.slice(after, upTo), to: upTo }),
 *   sizeOf: (row) => row.length,
 *   page: { bytes: 65_536 },
 *   live: { bytes: 65_536 },
 * })
 *
 * const told: string[] = []
 * const reader = events.open(fakeScope(), 1, {
 *   send: (rows) => {
 *     told.push(...rows)
 *     return 'sent'
 *   },
 *   caughtUp: (at) => told.push(`caught up at ${at}`),
 *   failed: (why) => told.push(String(why)),
 * })
 * reader.mode // => 'catching-up'
 * await new Promise((resolve) => setImmediate(resolve))
 * log.push('d')
 * events.publish(['d'], 4)
 * told // => ['b', 'c', 'caught up at 3', 'd']
 * ```
 */
export function feed<P, T>(options: FeedOptions<P, T>): Feed<P, T> {
  for (const name of ['compare', 'head', 'read', 'sizeOf'] as const) callable(name, options[name])
  checkBudget('page', options.page)
  checkBudget('live', options.live)
  const made = new FeedShell(options)
  announce({ kind: 'feed', env: options.env, noun: made })
  return made
}

/**
 * One publication. Each knows the next, and nobody knows the previous: a reader that has to wait holds the one it
 * had last, and with it all that follow; once no reader waits they are garbage. `bytes` and `count` run on from the
 * first publication, so that what waits for a reader is a subtraction.
 */
interface Publication<P, T> extends Tail<P, T> {
  readonly items: readonly T[]
  readonly to: P
}

/** All that is asked of the publication behind which others wait; there is one before the first. */
interface Tail<P, T> {
  readonly bytes: number
  readonly count: number
  readonly at: Millis
  next: Publication<P, T> | null
}

class FeedShell<P, T> implements Feed<P, T> {
  readonly options: FeedOptions<P, T>
  readonly readers = new Set<ReaderShell<P, T>>()
  last: Tail<P, T> = { bytes: 0, count: 0, at: 0, next: null }
  #publishing = false
  #queued: FeedPage<P, T>[] = []
  #pages = 0
  #later: (() => void)[] | undefined

  constructor(options: FeedOptions<P, T>) {
    this.options = options
  }

  get size(): number {
    return this.readers.size
  }

  publish(items: readonly T[], to: P): void {
    if (this.#publishing) {
      this.#queued.push({ items, to })
      return
    }
    this.#publishing = true
    try {
      this.#deliver(items, to)
      for (let page = this.#queued.shift(); page !== undefined; page = this.#queued.shift())
        this.#deliver(page.items, page.to)
    } finally {
      this.#publishing = false
    }
  }

  open(scope: LinkScope, from: P, to: FeedTarget<P, T>): FeedReader<P> {
    const reader = new ReaderShell(this, scope, from, to)
    this.readers.add(reader)
    reader.open(scope.defer(() => reader.close()))
    return reader
  }

  /** Calls `fn` now, or when the loop has had its turn. */
  pace(fn: () => void): void {
    if (this.#later !== undefined) this.#later.push(fn)
    else if (++this.#pages <= pagesInARow) fn()
    else {
      this.#later = [fn]
      this.options.env.clock.after(0, () => {
        const later = this.#later ?? []
        this.#later = undefined
        this.#pages = 0
        for (const go of later) this.pace(go)
      })
    }
  }

  #deliver(items: readonly T[], to: P): void {
    const { sizeOf, live, env } = this.options
    const before = this.last
    let { bytes } = before
    for (const item of items) bytes += sizeOf(item)
    const count = before.count + items.length
    const at = live.age === undefined ? 0 : env.clock.now()
    const publication: Publication<P, T> = { items, to, bytes, count, at, next: null }
    before.next = this.last = publication
    // A reader closed during the round is passed over; one opened during it finds this in the log.
    for (const reader of this.readers) reader.offer(publication)
  }
}

class ReaderShell<P, T>
  extends Interpreter<FeedReaderMachine, FeedReaderEvent, FeedReaderEffect>
  implements FeedReader<P>
{
  at: P
  readonly #feed: FeedShell<P, T>
  readonly #scope: LinkScope
  readonly #target: FeedTarget<P, T>
  /** The publication behind which the waiting ones begin; `null` if none are kept. */
  #behind: Tail<P, T> | null = null
  #page: FeedPage<P, T> | undefined
  #failure: 'too-old' | Error = 'too-old'
  #closed = false
  #undefer: Off | undefined

  constructor(feed: FeedShell<P, T>, scope: LinkScope, from: P, target: FeedTarget<P, T>) {
    super(newFeedReader)
    this.#feed = feed
    this.#scope = scope
    this.#target = target
    this.at = from
  }

  get mode(): 'catching-up' | 'live' | 'closed' {
    switch (this.machine.phase) {
      case 'live':
      case 'held':
      case 'flushing':
        return 'live'
      case 'closed':
        return 'closed'
      case 'new':
      case 'reading':
      case 'paging':
      case 'waiting':
        return 'catching-up'
    }
  }

  /** @param undefer - releases the link from closing the reader */
  open(undefer: Off): void {
    this.#undefer = undefer
    const { compare, head } = this.#feed.options
    const upTo = head()
    const behind = compare(this.at, upTo) < 0
    if (!behind) this.at = upTo
    this.send({ kind: 'opened', behind })
  }

  writable(): void {
    this.send({ kind: 'writable' })
  }

  close(): void {
    // At once, because a step may be under way in which something is still to be sent.
    this.#closed = true
    this.send({ kind: 'closed' })
  }

  /** The hot path: a live reader whose link is not full takes neither an event nor memory. */
  offer(publication: Publication<P, T>): void {
    if (this.machine.phase !== 'live') {
      if (this.#behind !== null && this.#isOver(this.#behind, publication)) this.send({ kind: 'overflowed' })
      return
    }
    if (this.#feed.options.compare(publication.to, this.at) <= 0) return
    const answer = this.#give(publication.items, publication.to)
    if (answer === 'sent') return
    if (answer === 'full') this.#behind = publication
    this.send({ kind: answer })
  }

  protected step(
    state: FeedReaderMachine,
    event: FeedReaderEvent,
  ): Step<FeedReaderMachine, FeedReaderEffect> {
    return feedReaderStep(state, event)
  }

  protected perform(effect: FeedReaderEffect): void {
    switch (effect.kind) {
      case 'read':
        this.#feed.pace(() => void this.#read())
        break
      case 'send-page': {
        const page = this.#page
        this.#page = undefined
        if (page !== undefined) this.send({ kind: this.#give(page.items, page.to) })
        break
      }
      case 'send-next':
        this.#sendNext()
        break
      case 'forget':
        this.#behind = null
        break
      case 'caught-up':
        this.#call(() => this.#target.caughtUp(this.at, effect.again))
        break
      case 'failed':
        this.#call(() => this.#target.failed(this.#failure))
        break
      case 'close':
        this.#closed = true
        this.#behind = null
        this.#page = undefined
        this.#feed.readers.delete(this)
        this.#undefer?.()
        break
    }
  }

  protected publish(): void {
    // Nobody watches a reader; its target is told by effects.
  }

  async #read(): Promise<void> {
    if (this.#closed) return
    const { compare, head } = this.#feed.options
    const after = this.at
    const upTo = head()
    // From here on what is published is not in the page.
    this.#behind = this.#feed.last
    // Nothing to read where all that was missed turned out to be in the page before.
    const page = compare(after, upTo) < 0 ? await this.#fetch(after, upTo) : { items: [], to: after }
    if (page instanceof Error || page === 'too-old') {
      this.#failure = page
      this.send({ kind: 'unreadable' })
      return
    }
    this.#page = page
    const empty = page.items.length === 0
    if (empty) this.at = page.to
    this.send({ kind: 'page', reached: compare(page.to, upTo) >= 0, empty })
  }

  async #fetch(after: P, upTo: P): Promise<FeedPage<P, T> | 'too-old' | HoldfastError> {
    const { compare, read, page: limit } = this.#feed.options
    try {
      const page = await read(after, upTo, limit)
      if (page === 'too-old' || compare(page.to, after) > 0) return page
      return new HoldfastError('HF_FEED_STUCK', 'read() must return a page that ends after its start')
    } catch (cause) {
      return new HoldfastError('HF_FEED_READ_FAILED', 'the log could not be read', { cause })
    }
  }

  #sendNext(): void {
    const { compare } = this.#feed.options
    let next = this.#behind?.next ?? null
    // The page may have held some of what was published while it was read.
    while (next !== null && compare(next.to, this.at) <= 0) {
      this.#behind = next
      next = next.next
    }
    if (next === null) {
      this.send({ kind: 'drained' })
      return
    }
    this.#behind = next
    this.send({ kind: this.#give(next.items, next.to) })
  }

  #isOver(behind: Tail<P, T>, last: Tail<P, T>): boolean {
    const { bytes, count = Infinity, age = Infinity } = this.#feed.options.live
    if (last.bytes - behind.bytes > bytes || last.count - behind.count > count) return true
    return behind.next !== null && last.at - behind.next.at > age
  }

  #give(items: readonly T[], to: P): WriteResult {
    if (this.#closed) return 'refused'
    this.at = to
    try {
      return this.#target.send(items, to)
    } catch (cause) {
      this.#threw(cause)
      return 'refused'
    }
  }

  #call(fn: () => void): void {
    if (this.#closed) return
    try {
      fn()
    } catch (cause) {
      this.#threw(cause)
    }
  }

  #threw(cause: unknown): void {
    this.#scope.fail(end('adapter-threw', { detail: 'a reader of a feed threw', cause }))
  }
}
