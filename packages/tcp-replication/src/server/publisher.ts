import { type Env, type Feed, feed, HoldfastError } from '@holdfast/core'
import { count } from '../counts.js'
import type { ReplicationSource, RowBatch, SourceEvent } from '../source/types.js'
import type { Dialect } from '../wire/commands.js'
import { encodeCommand } from '../wire/format-command.js'
import { checkedPage } from './checked-page.js'
import { type EncodedRows, encodeRows, type UnsendableRow } from './encode-rows.js'
import type { ServerCounters } from './stats.js'

/** How much is read at once, in bytes of rows: for one reader's catch-up, and for all live readers. */
const pageBytes = 256 * 1024
/** Rows that are published together at most, when many are appended in one turn of the loop. */
const rowsAtOnce = 1000
/** How far a live reader may lag before it falls back to reading pages. */
const liveBytes = 1024 * 1024

/** What a publisher needs of its server. */
export interface PublisherOptions {
  readonly env: Env
  readonly source: ReplicationSource
  readonly dialect: Dialect
  readonly instance: string
  readonly counters: ServerCounters
  /**
   * The bytes that a line may take.
   *
   * @defaultValue that of a connection (2)
   */
  readonly longestLine?: number
  /** Rows that nobody has had are gone from the source: what is left of them begins at the publisher's new head. */
  readonly lost: (publisher: Publisher) => void
}

/**
 * One stream of a server: takes new rows from the source once and gives the bytes to every live reader. A source
 * that fails harms this stream only, and is asked again when it next says that something was appended (H13.4).
 */
export class Publisher {
  readonly stream: string
  /** Reset makes a new one: a feed's positions only rise. */
  feed: Feed<number, EncodedRows>
  readonly #options: PublisherOptions
  #published: number
  /** Appended and not yet published, up to the position `taken`. */
  #appended: RowBatch[] = []
  #appendedRows = 0
  #taken: number
  #fetching = false

  constructor(stream: string, options: PublisherOptions) {
    this.stream = stream
    this.#options = options
    this.#published = this.#taken = options.source.head(stream)
    this.feed = this.#makeFeed()
  }

  /** The announced position: what was published, not what the source has got since (7.2). */
  get head(): number {
    return this.#published
  }

  /** Takes up what the source has got since, if nothing is under way. */
  catchUp(): void {
    this.#flush()
    if (!this.#fetching && this.#options.source.head(this.stream) > this.#published) void this.#fetch()
  }

  /** Something was appended to the source. */
  appended(event: SourceEvent & { readonly kind: 'appended' }): void {
    if (event.batches === undefined || event.from !== this.#taken || this.#fetching) {
      this.catchUp()
      return
    }
    if (this.#appended.length === 0) queueMicrotask(() => this.#flush())
    for (const batch of event.batches) {
      this.#appended.push(batch)
      this.#appendedRows += batch.rows.length
    }
    this.#taken = event.to
    if (this.#appendedRows >= rowsAtOnce) this.#flush()
  }

  /** What was appended in one turn of the loop goes out in one piece. */
  #flush(): void {
    const batches = this.#appended
    if (batches.length === 0) return
    this.#appended = []
    this.#appendedRows = 0
    this.#publish(batches, this.#taken)
  }

  /** The stream started over at `to`. */
  reset(to: number): void {
    this.#appended = []
    this.#appendedRows = 0
    this.#published = this.#taken = to
    this.feed = this.#makeFeed()
  }

  async #fetch(): Promise<void> {
    const { source, env, counters } = this.#options
    const { stream } = this
    this.#fetching = true
    try {
      for (let head = source.head(stream); this.#published < head; head = source.head(stream)) {
        const { feed: current } = this
        const after = this.#published
        const page = await source.read(stream, after, head, { bytes: pageBytes })
        if (current !== this.feed) continue
        if (page === 'too-old') this.#skipTo(source.first(stream))
        else {
          const { batches, to } = checkedPage(page, after, head)
          this.#publish(batches, to)
        }
      }
    } catch (failure) {
      count(counters.sourceFailures, stream)
      env.log.error(
        { name: env.name, stream, err: failure },
        'the source failed; the stream goes on when it is next appended to',
      )
    } finally {
      this.#fetching = false
    }
  }

  /** What came before is not to be had any more, and live readers must know. */
  #skipTo(first: number): void {
    if (first <= this.#published) throw new HoldfastError('HF_SOURCE_BROKEN', 'too old, and yet held')
    this.reset(first)
    this.#options.lost(this)
  }

  #publish(batches: readonly RowBatch[], to: number): void {
    const encoded = this.encode(batches)
    count(this.#options.counters.streamUpdates, this.stream, linesOf(encoded))
    this.#published = this.#taken = to
    this.feed.publish(encoded, to)
  }

  /** Writes rows as lines, and reports those that do not fit. */
  encode(batches: readonly RowBatch[]): EncodedRows[] {
    const { dialect, instance, counters, env, longestLine } = this.#options
    const unsendable = (row: UnsendableRow): void => {
      count(counters.unsendableRows, row.stream)
      env.log.error(
        { name: env.name, ...row },
        `a row of ${row.stream} at ${row.token} was left out: ${row.why}, ${row.bytes} bytes`,
      )
    }
    return encodeRows(this.stream, dialect === 'D1' ? null : instance, batches, unsendable, longestLine)
  }

  #makeFeed(): Feed<number, EncodedRows> {
    const { env, dialect } = this.#options
    return feed<number, EncodedRows>({
      env: { ...env, name: `${env.name} ${this.stream}` },
      compare: (a, b) => a - b,
      head: () => this.#published,
      sizeOf: ({ bytes }) => bytes.length,
      page: { bytes: pageBytes },
      live: { bytes: liveBytes },
      read:
        dialect === 'D1'
          ? (after, upTo, limit) => this.#readRows(after, upTo, limit.bytes)
          : (after, upTo) => Promise.resolve(this.#readPosition(after, upTo)),
    })
  }

  async #readRows(
    after: number,
    upTo: number,
    bytes: number,
  ): Promise<{ items: EncodedRows[]; to: number } | 'too-old'> {
    const { source, counters } = this.#options
    const page = await source.read(this.stream, after, upTo, { bytes })
    if (page === 'too-old') return page
    const { batches, to } = checkedPage(page, after, upTo)
    const encoded = this.encode(batches)
    count(counters.catchUpRows, this.stream, linesOf(encoded))
    return { items: encoded, to }
  }

  /** In D2 catching up is the client's own business: it is told that it has missed something (14.2). */
  #readPosition(previous: number, token: number): { items: EncodedRows[]; to: number } {
    const { instance } = this.#options
    const bytes = encodeCommand({ name: 'POSITION', stream: this.stream, instance, previous, token }, 'D2')
    return { items: [{ bytes, lines: 1 }], to: token }
  }
}

function linesOf(encoded: readonly EncodedRows[]): number {
  return encoded.reduce((sum, { lines }) => sum + lines, 0)
}
