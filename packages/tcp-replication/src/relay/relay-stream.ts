import type { Clock, Position, ResetWhy, Timer } from '@holdfast/core'
import type { FollowedStream, ReceivedBatch } from '../client/options.js'
import type { AppendLog } from '../source/append-log.js'
import type { AppendLogTransaction } from '../source/append-log-transaction.js'

/**
 * Streams whose rows come in another order than that of their tokens (9.1). A position shown too early would hide the
 * rows below it from whoever resumes there.
 */
const unordered: ReadonlySet<string> = new Set([
  'events',
  'backfill',
  'presence',
  'device_lists',
  'account_data',
  'groups',
])
/** Rows of one change of an unordered stream come together; so long is waited for the rest of them. */
const settleMs = 20
/** Writes under way at most; past it the upstream waits. */
const writesUnderWay = 1000

/** What a relayed stream needs. */
export interface RelayStreamOptions {
  readonly stream: string
  readonly log: AppendLog
  readonly clock: Clock
  /** Where to begin without a log of it. */
  readonly from: number | 'NOW'
  /** A write failed: what was taken from upstream is not on disk, so the relay cannot go on. */
  readonly failed: (cause: unknown) => void
}

/**
 * One stream on its way through a relay. Rows and the position to resume from are written in one transaction, so
 * that a position is never ahead of its rows; rows of a catch-up are staged, and shown with the position that ends it.
 */
export class RelayStream {
  readonly followed: FollowedStream
  readonly #options: RelayStreamOptions
  #underWay = 0
  /** The position that is reached once the rows of an unordered stream have settled. */
  #settling: { readonly to: number; readonly timer: Timer } | null = null

  constructor(options: RelayStreamOptions) {
    const { stream, log, from } = options
    this.#options = options
    this.followed = {
      stream,
      from,
      unread: true,
      // It then stays empty for whoever follows the relay.
      optional: true,
      store: { load: () => Promise.resolve(log.position(stream)) },
      apply: (batch) => this.#apply(batch),
      reset: (why, position) => this.#reset(why, position),
    }
  }

  /** The link ended: what is complete is shown, what is left of a catch-up comes again. */
  linkEnded(): void {
    this.#show()
    this.#write((tx) => tx.dropAbove(this.#options.stream, this.#head))
  }

  /** Resolves when everything is on disk; or cannot be, which whoever asked for it was told. */
  async flushed(): Promise<void> {
    this.#show()
    await this.#written
  }

  get #head(): number {
    return Math.max(this.#shown, this.#options.log.head(this.#options.stream))
  }

  /** The highest position asked to be shown; the log's head follows once it is on disk. */
  #shown = -Infinity
  #written: Promise<void> = Promise.resolve()

  #apply({ token, texts, position }: ReceivedBatch): Promise<void> | undefined {
    const { stream } = this.#options
    // A row that is later than the rows above it is shown with the next position.
    const at = token > this.#head ? token : this.#head + 1
    if (texts.length > 0) this.#write((tx) => tx.stage(stream, [{ token: at, rows: texts }]))
    if (position !== null) this.#reach(position)
    return this.#underWay > writesUnderWay ? this.#written : undefined
  }

  #reach(position: number): void {
    this.#settling?.timer.cancel()
    const timer = this.#options.clock.after(settleMs, () => this.#show())
    this.#settling = { to: position, timer }
    if (!unordered.has(this.#options.stream)) this.#show()
  }

  #show(): void {
    const settling = this.#settling
    if (settling === null) return
    settling.timer.cancel()
    this.#settling = null
    this.#shown = settling.to
    const { stream } = this.#options
    this.#write((tx) => {
      if (settling.to > this.#options.log.head(stream)) tx.advance(stream, settling.to)
      tx.setPosition(stream, { at: settling.to })
    })
  }

  async #reset(_why: ResetWhy, to: number | null): Promise<void> {
    const { stream } = this.#options
    this.#settling?.timer.cancel()
    this.#settling = null
    if (to === null) return
    this.#shown = to
    const position: Position<number> = { at: to }
    this.#write((tx) => {
      tx.setPosition(stream, position)
      tx.reset(stream, to)
    })
    await this.#written
  }

  #write(fn: (tx: AppendLogTransaction) => void): void {
    this.#underWay += 1
    this.#written = this.#options.log.transaction(fn).then(
      () => {
        this.#underWay -= 1
      },
      (cause: unknown) => this.#options.failed(cause),
    )
  }
}
