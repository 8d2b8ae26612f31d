import {
  type Batch,
  type Budget,
  type Cursor,
  cursor,
  type Env,
  type LinkScope,
  type ResetWhy,
} from '@holdfast/core'
import { decodeRow, type RowReading } from '../streams/decode-row.js'
import type { ClientProblem, FollowedStream } from './options.js'

/** What a row takes beside its text, about: a peer could fill the memory with rows of one character. */
const rowOverheadBytes = 128

/** The rows of one token, whose number comes with the last of them. */
interface Group {
  token: number
}

/** A row as it was on the wire, and what it says. */
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

  constructor(followed: FollowedStream, options: FollowerOptions) {
    this.stream = followed.stream
    this.#followed = followed
    this.#options = options
    this.cursor = cursor<number, WireRow>({
      env: options.env,
      key: followed.stream,
      compare: (a, b) => a - b,
      sizeOf: ({ text }) => text.length + rowOverheadBytes,
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

  #apply(items: readonly WireRow[], position: number | null): void | Promise<void> {
    const { stream } = this
    const token = items[0]?.group.token ?? position
    const onlyPosition = items.length === 0 && (position === null || !this.#storesWithEffect)
    if (token === null || onlyPosition) return
    this.#options.delivered(stream, items.length)
    const rows = items.flatMap(({ reading }) => reading ?? [])
    const texts = items.map(({ text }) => text)
    return this.#followed.apply({ stream, token, rows, texts, position })
  }

  /** Whether the application stores the position itself, in the transaction of the effect. */
  get #storesWithEffect(): boolean {
    const { store } = this.#followed
    return store !== undefined && store.save === undefined
  }
}

/** A follower on one link. */
export class FollowerOnLink {
  readonly follower: Follower
  /** Where the rows before the next POSITION are counted from; `null` for NOW. */
  asked: number | null
  /** Whether the stream has had its POSITION on this link, and no rows before it are missing. */
  positioned = false
  readonly #scope: LinkScope
  #batch: Batch<number, WireRow> | null = null
  #group: Group = { token: 0 }
  /** The highest token or position on this link since its POSITION. The cursor learns of a reset only later. */
  #highest = -Infinity

  constructor(follower: Follower, scope: LinkScope) {
    this.follower = follower
    const { from } = follower
    this.asked = from === 'NOW' ? null : from
    this.#scope = scope
  }

  /** How far this link has brought the stream; `null` when it began at NOW and has had no position yet. */
  get at(): number | null {
    return this.positioned ? this.#highest : this.asked
  }

  /** Takes a row; a numeric token ends the batch and hands it over. */
  row(token: number | 'batch', text: string): void {
    const { follower } = this
    if (follower.stopped) return
    this.#batch ??= follower.cursor.open(this.#scope)
    const reading = follower.read(token, text)
    if (reading === 'stop') this.dropBatch()
    else if (reading !== 'skip') this.#batch.add({ group: this.#group, text, reading })
    if (token !== 'batch') this.#endBatch(token)
  }

  #endBatch(token: number): void {
    const batch = this.#batch
    if (batch === null) return
    this.#group.token = token
    this.#group = { token: 0 }
    this.#batch = null
    // Until the POSITION, and for tokens that go down, rows are applied and the position stays (9.3).
    const moves = this.positioned && token > this.#highest
    if (moves) this.#highest = token
    batch.seal(moves ? token : null)
  }

  /** D2: rows before the first POSITION are fetched again with it (14.2). */
  dropBatch(): void {
    this.#batch?.discard()
    this.#batch = null
  }

  /** D2: missed rows are fetched. They need not be in order, so that the position comes with their end. */
  catchUp(): void {
    this.asked = this.at
    this.positioned = false
  }

  /** Everything up to `token` has been sent. */
  position(token: number): void {
    const { cursor, stopped } = this.follower
    // The row at which the stream was stopped must come again when somebody has seen to it.
    if (stopped) return
    const floor = this.at
    this.positioned = true
    this.#highest = token
    if (cursor.received === null && floor === null) this.#reset('first-time', token)
    else if (floor !== null && token < floor) this.#reset('went-backwards', token)
    else {
      cursor.resumed(this.#scope)
      cursor.advance(token)
    }
  }

  /** What came before `first` cannot be had any more. */
  lost(first: number): void {
    this.#reset('too-old', first)
  }

  /** D2: rows were missed, and there is nowhere to fetch them from. */
  missed(token: number): void {
    this.positioned = true
    this.#highest = token
    this.#reset('peer-cannot', token)
  }

  #reset(why: ResetWhy, at: number): void {
    if (this.follower.stopped) return
    void this.follower.cursor.reset(why, { at }, this.#scope)
  }
}
