import { type Budget, type Cursor, cursor, type Env } from '@holdfast/core'
import { decodeRow, type RowReading } from '../streams/decode-row.js'
import type { ClientProblem, FollowedStream } from './options.js'

/** What a row takes beside its text, about: a peer could fill the memory with rows of one character. */
const rowOverheadBytes = 128

/** What a row of this text counts for in the budgets. */
export function rowBytes(text: string): number {
  return text.length + rowOverheadBytes
}

/** The rows of one token, whose number comes with the last of them. */
export interface Group {
  token: number
}

/** A row as it was on the wire, and what it says. The rows of one group are neighbours. */
export interface WireRow {
  readonly group: Readonly<Group>
  readonly text: string
  /** `null` where rows are left unread. */
  readonly reading: RowReading | null
}

/** What a follower needs of its client. */
export interface FollowerOptions {
  readonly env: Env
  readonly staging: Budget
  readonly backlog: Budget
  readonly report: (problem: ClientProblem) => void
  /** A batch was applied, or a position taken. */
  readonly delivered: (stream: string, rows: number) => void
  /** Whether the client is being closed or drained, if only just now. */
  readonly isClosing: () => boolean
}

/** One followed stream, across links: its cursor, and how its rows are read. */
export class Follower {
  readonly stream: string
  readonly cursor: Cursor<number, WireRow>
  /** Set once a row could not be understood and the stream's policy is to stop. */
  stopped = false
  /** Cleared once a server has turned out to be without this optional stream. */
  served = true
  readonly #followed: FollowedStream
  readonly #options: FollowerOptions
  #appliesLater = false

  constructor(followed: FollowedStream, options: FollowerOptions) {
    this.stream = followed.stream
    this.#followed = followed
    this.#options = options
    this.cursor = cursor<number, WireRow>({
      env: options.env,
      key: followed.stream,
      compare: (a, b) => a - b,
      sizeOf: ({ text }) => rowBytes(text),
      staging: options.staging,
      backlog: options.backlog,
      ...(followed.store && { store: followed.store }),
      apply: ({ items, to }) => this.#apply(items, to?.at ?? null),
      resync: async (why, peer) => {
        const position = peer?.at ?? null
        if (why !== 'first-time') options.report({ kind: 'reset', stream: followed.stream, why, position })
        await followed.reset?.(why, position)
        return peer
      },
    })
  }

  /** Whether a server may be without this stream. */
  get optional(): boolean {
    return this.#followed.optional === true
  }

  /** Where to begin: the resume position, or what the application asked for. */
  get from(): number | 'NOW' {
    return this.cursor.resumeFrom()?.at ?? this.#followed.from ?? 'NOW'
  }

  /**
   * Reads a row that has come in. One that cannot be understood is reported.
   *
   * @returns `skip` if there is nothing to apply, `stop` if there never will be again
   */
  read(token: number | 'batch', text: string): RowReading | null | 'skip' | 'stop' {
    const { stream } = this
    if (this.#followed.unread === true) return null
    const reading = decodeRow(stream, text)
    if (reading.kind !== 'malformed') return reading
    this.stopped = this.#followed.badRows === 'stop'
    this.#options.report({ kind: 'bad-row', stream, token, error: reading.error, stopped: this.stopped })
    return this.stopped ? 'stop' : 'skip'
  }

  /**
   * Whether `count` rows of so many bytes may wait for each other to be applied together. Not where applying takes
   * its time: the end of a link should cost no more than the one token that is being applied.
   */
  mayGather(bytes: number, count: number): boolean {
    const { bytes: mostBytes, count: mostCount = Infinity } = this.#options.staging
    return !this.#appliesLater && bytes <= mostBytes && count <= mostCount
  }

  #apply(items: readonly WireRow[], position: number | null): void | Promise<void> {
    if (items.length === 0) {
      if (position !== null && this.#storesWithEffect) return this.#hand(position, items, position)
      return undefined
    }
    return this.#applyFrom(items, 0, position)
  }

  /** Hands over token after token, from an item on. */
  #applyFrom(items: readonly WireRow[], start: number, position: number | null): void | Promise<void> {
    let from = start
    for (let first = items[from]; first !== undefined; first = items[from]) {
      const { group } = first
      if (from > 0 && this.#isRestDropped()) return undefined
      let to = from + 1
      while (items[to]?.group === group) to += 1
      const isAll = from === 0 && to === items.length
      const applying = this.#hand(group.token, isAll ? items : items.slice(from, to), position)
      if (applying) {
        this.#appliesLater = true
        return to === items.length ? applying : applying.then(() => this.#applyFrom(items, to, position))
      }
      from = to
    }
    return undefined
  }

  /**
   * Behind a reset the rest would come too late (I21), and whoever closes us need not wait for it: in both cases no position
   * is taken either. The end of a link is no such case: a position may have come behind the rest, and stands.
   */
  #isRestDropped(): boolean {
    if (this.cursor.phase === 'resyncing') return true
    if (!this.#options.isClosing()) return false
    // Before it is told that all this was applied.
    void this.cursor.close()
    return true
  }

  #hand(token: number, items: readonly WireRow[], position: number | null): void | Promise<void> {
    const { stream } = this
    this.#options.delivered(stream, items.length)
    const rows: RowReading[] = []
    for (const { reading } of items) if (reading !== null) rows.push(reading)
    const texts = items.map(({ text }) => text)
    return this.#followed.apply({ stream, token, rows, texts, position })
  }

  /** Whether the application stores the position itself, in the transaction of the effect. */
  get #storesWithEffect(): boolean {
    const { store } = this.#followed
    return store !== undefined && store.save === undefined
  }
}
