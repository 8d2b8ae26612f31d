import type { Batch, LinkScope, ResetWhy } from '@holdfast/core'
import { type Follower, type Group, rowBytes, type WireRow } from './follower.js'

/** A batch of the cursor on its way in. */
interface Incoming {
  readonly batch: Batch<number, WireRow>
  /** Of the token that is not over; `null` where all are. */
  group: Group | null
  bytes: number
  count: number
}

/**
 * A follower on one link. Outside of catch-ups each token is a batch of the cursor; in a catch-up, whose position
 * comes only with its end, one batch holds every whole token of a chunk that has but one row, since most of what a
 * batch costs is its own. A batch with several tokens always moves the position to `null`, that is, not at all.
 */
export class FollowerOnLink {
  readonly follower: Follower
  /** Where the rows before the next POSITION are counted from; `null` for NOW. */
  asked: number | null
  /** Whether the stream has had its POSITION on this link, and no rows before it are missing. */
  positioned = false
  readonly #scope: LinkScope
  #incoming: Incoming | null = null
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

  /** Takes a row; a numeric token ends the rows that belong to it. They are handed over by {@link sealWhole} at the latest. */
  row(token: number | 'batch', text: string): void {
    const { follower } = this
    if (follower.stopped) return
    const reading = follower.read(token, text)
    if (reading === 'stop') this.dropBatch()
    else {
      const incoming = this.#takeIn(token, rowBytes(text))
      incoming.group ??= { token: 0 }
      if (reading !== 'skip') incoming.batch.add({ group: incoming.group, text, reading })
      if (token !== 'batch') this.#endToken(incoming, token)
    }
  }

  /** Finds or opens the batch of which a row is to become part. */
  #takeIn(token: number | 'batch', bytes: number): Incoming {
    const now = this.#incoming
    if (now !== null) {
      now.bytes += bytes
      now.count += 1
      if (now.group !== null) return now
      // Whole tokens never wait for the rest of another one.
      if (token !== 'batch' && this.follower.mayGather(now.bytes, now.count)) return now
      this.#seal(now, null)
    }
    const batch = this.follower.cursor.open(this.#scope)
    this.#incoming = { batch, group: null, bytes, count: 1 }
    return this.#incoming
  }

  #endToken(incoming: Incoming, token: number): void {
    if (incoming.group !== null) incoming.group.token = token
    incoming.group = null
    if (!this.positioned) {
      if (!this.follower.mayGather(incoming.bytes, incoming.count)) this.#seal(incoming, null)
      return
    }
    // For tokens that go down rows are applied and the position stays (9.3).
    const moves = token > this.#highest
    if (moves) this.#highest = token
    this.#seal(incoming, moves ? token : null)
  }

  /** Hands over the whole tokens that have waited for more. */
  sealWhole(): void {
    const incoming = this.#incoming
    if (incoming !== null && incoming.group === null) this.#seal(incoming, null)
  }

  #seal({ batch }: Incoming, to: number | null): void {
    this.#incoming = null
    batch.seal(to)
  }

  /**
   * Forgets the rows of a token that is not over. D2: rows before the first POSITION are fetched again with it (14.2).
   *
   * @returns how many there were
   */
  dropBatch(): number {
    this.sealWhole()
    const incoming = this.#incoming
    this.#incoming = null
    incoming?.batch.discard()
    return incoming?.count ?? 0
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
    this.sealWhole()
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
    this.sealWhole()
    void this.follower.cursor.reset(why, { at }, this.#scope)
  }
}
