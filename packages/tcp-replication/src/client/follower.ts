import { type Batch, type Budget, type Cursor, cursor, type Env, type LinkScope } from '@holdfast/core'
import { decodeRow, type RowReading } from '../streams/decode-row.js'
import type { ClientProblem, FollowedStream } from './options.js'

/** A row as it was on the wire. */
export interface WireRow {
  readonly token: number | 'batch'
  readonly text: string
}

/** What a follower needs of its client. */
export interface FollowerOptions {
  readonly env: Env
  readonly staging: Budget
  readonly backlog: Budget
  readonly report: (problem: ClientProblem) => void
  /** A batch was applied, or a position taken. */
  readonly delivered: (stream: string, rows: number) => void
}

/** One followed stream, across links: its cursor, and how its rows are read. */
export class Follower {
  readonly stream: string
  readonly cursor: Cursor<number, WireRow>
  /** Set once a row could not be understood and the stream's policy is to stop. */
  stopped = false
  readonly #followed: FollowedStream
  readonly #options: FollowerOptions

  constructor(followed: FollowedStream, options: FollowerOptions) {
    this.stream = followed.stream
    this.#followed = followed
    this.#options = options
    this.cursor = cursor<number, WireRow>({
      env: options.env,
      key: followed.stream,
      compare: (a, b) => a - b,
      sizeOf: ({ text }) => text.length,
      staging: options.staging,
      backlog: options.backlog,
      ...(followed.store && { store: followed.store }),
      apply: ({ items, to }) => this.#apply(items, to?.at ?? null),
      resync: async (why, peer) => {
        options.report({ kind: 'reset', stream: followed.stream, why, position: peer?.at ?? null })
        await followed.reset?.(why, peer?.at ?? null)
        return peer
      },
    })
  }

  /** Where to begin: the resume position, or what the application asked for. */
  get from(): number | 'NOW' {
    return this.cursor.resumeFrom()?.at ?? this.#followed.from ?? 'NOW'
  }

  #apply(items: readonly WireRow[], position: number | null): void | Promise<void> {
    const { stream } = this
    const last = items.at(-1)?.token
    const token = typeof last === 'number' ? last : position
    const rows: RowReading[] = []
    const texts: string[] = []
    for (const { text } of items) {
      const reading = decodeRow(stream, text)
      if (reading.kind === 'malformed') {
        if (this.#bad(reading, token)) return
        continue
      }
      rows.push(reading)
      texts.push(text)
    }
    const onlyPosition = rows.length === 0 && (position === null || !this.#storesWithEffect)
    if (token === null || onlyPosition) return
    this.#options.delivered(stream, rows.length)
    return this.#followed.apply({ stream, token, rows, texts, position })
  }

  /** Whether the application stores the position itself, in the transaction of the effect. */
  get #storesWithEffect(): boolean {
    const { store } = this.#followed
    return store !== undefined && store.save === undefined
  }

  /** @returns whether the stream is followed no further */
  #bad(reading: RowReading, token: number | null): boolean {
    const { stream } = this
    const stopped = this.#followed.badRows === 'stop'
    this.#options.report({ kind: 'bad-row', stream, token, reading, stopped })
    this.stopped = stopped
    return stopped
  }
}

/** A follower on one link. */
export class FollowerOnLink {
  readonly follower: Follower
  /** What this link was asked for; `null` for NOW. */
  readonly asked: number | null
  /** Whether the stream has had its POSITION on this link. */
  positioned = false
  readonly #scope: LinkScope
  #batch: Batch<number, WireRow> | null = null

  constructor(follower: Follower, scope: LinkScope) {
    this.follower = follower
    const { from } = follower
    this.asked = from === 'NOW' ? null : from
    this.#scope = scope
  }

  /** Takes a row; a numeric token ends the batch and hands it over. */
  row(token: number | 'batch', text: string): void {
    if (this.follower.stopped) return
    const { cursor } = this.follower
    this.#batch ??= cursor.open(this.#scope)
    this.#batch.add({ token, text })
    if (token === 'batch') return
    const batch = this.#batch
    this.#batch = null
    // Until the POSITION, and for tokens that go down, rows are applied and the position stays (9.3).
    const moves = this.positioned && token > (cursor.received?.at ?? -Infinity)
    batch.seal(moves ? token : null)
  }

  /** D2: rows before the first POSITION are fetched again with it (14.2). */
  dropBatch(): void {
    this.#batch?.discard()
    this.#batch = null
  }

  /** D1: everything up to `token` has been sent. */
  position(token: number): void {
    const { cursor } = this.follower
    const floor = this.positioned ? (cursor.received?.at ?? null) : this.asked
    this.positioned = true
    if (cursor.received === null && this.asked === null)
      void cursor.reset('first-time', { at: token }, this.#scope)
    else if (floor !== null && token < floor) void cursor.reset('went-backwards', { at: token }, this.#scope)
    else {
      cursor.resumed(this.#scope)
      cursor.advance(token)
    }
  }

  /** The server no longer has the rows between what was asked for and `first`. */
  lost(first: number): void {
    void this.follower.cursor.reset('too-old', { at: first }, this.#scope)
  }
}
