import { HoldfastError, type Position } from '@holdfast/core'
import { positionKey } from './append-log-keys.js'
import {
  type Operation,
  type Outlook,
  type Plan,
  planAdvance,
  planAppend,
  planDropAbove,
  planPrepend,
  planReset,
  planStage,
} from './outlook.js'
import { batchOf, checkToken, inTokenOrder } from './row-batches.js'
import type { RowBatch } from './types.js'

/** Options of {@link AppendLogTransaction.append}. */
export interface AppendOptions {
  /**
   * The batch's token, above the head.
   *
   * @defaultValue one above the head
   */
  readonly token?: number
}

/**
 * What can be written together. Each call is checked at once, as if all calls before it had taken effect, and throws
 * a `TokenOrderError`, an `UnknownStreamError` or an `OptionError` where it does not fit.
 */
export interface AppendLogTransaction {
  /**
   * Appends one batch.
   *
   * @param rows - JSON values, at least one
   * @returns the batch's token
   */
  append(stream: string, rows: readonly unknown[], options?: AppendOptions): number
  /**
   * Stores batches above the head without showing them: the head stays. They may come in any order, and rows that
   * come for a token that is staged already are added to it. Closing the log, or a crash, discards what is staged.
   */
  stage(stream: string, batches: readonly RowBatch[]): void
  /** Moves the head up to `to`; what is staged up to there becomes visible. */
  advance(stream: string, to: number): void
  /** Discards what is staged above `token`. The last thing that a transaction may do with a stream. */
  dropAbove(stream: string, token: number): void
  /**
   * Has a stream start over at `to`. Below the head: everything above `to` is dropped. Above it: everything is
   * dropped, and reading is possible from `to` on. Subscribers are told `reset`. The last thing that a transaction
   * may do with a stream.
   */
  reset(stream: string, to: number): void
  /**
   * Extends what is held downwards: `batches`, in any order, are all rows with `from` < token ≤ the first position.
   * The retention still holds; where it is reached they go again at once.
   */
  prepend(stream: string, batches: readonly RowBatch[], from: number): void
  /** Stores where a reader of somebody else's log stands; `null` forgets it. */
  setPosition(key: string, position: Position<number> | null): void
}

/** A position to be stored. */
export interface PositionWrite {
  readonly kind: 'position'
  readonly key: Buffer
  readonly position: Position<number> | null
}

/** Collects what a transaction does, without effect on anything until it is complete. */
export class TransactionRecorder implements AppendLogTransaction {
  readonly operations: (Operation | PositionWrite)[] = []
  /** Outlooks of the streams that were touched. */
  readonly outlooks = new Map<string, Outlook>()
  readonly #outlookOf: (stream: string) => Outlook
  /** Streams of which rows are yet to be removed: what came after would be removed with them. */
  readonly #finished = new Set<string>()
  #isOver = false

  constructor(outlookOf: (stream: string) => Outlook) {
    this.#outlookOf = outlookOf
  }

  append(stream: string, rows: readonly unknown[], options: AppendOptions = {}): number {
    const { token = this.#current(stream).head + 1 } = options
    this.#take(planAppend(this.#current(stream), batchOf(stream, token, rows)))
    return token
  }

  stage(stream: string, batches: readonly RowBatch[]): void {
    this.#take(planStage(this.#current(stream), inTokenOrder(stream, batches)))
  }

  advance(stream: string, to: number): void {
    checkToken(stream, to)
    this.#take(planAdvance(this.#current(stream), to))
  }

  dropAbove(stream: string, token: number): void {
    checkToken(stream, token)
    this.#take(planDropAbove(this.#current(stream), token))
    this.#finished.add(stream)
  }

  reset(stream: string, to: number): void {
    checkToken(stream, to)
    this.#take(planReset(this.#current(stream), to))
    this.#finished.add(stream)
  }

  prepend(stream: string, batches: readonly RowBatch[], from: number): void {
    checkToken(stream, from)
    this.#take(planPrepend(this.#current(stream), inTokenOrder(stream, batches), from))
  }

  setPosition(key: string, position: Position<number> | null): void {
    this.#checkOpen()
    this.operations.push({ kind: 'position', key: positionKey(key), position })
  }

  /** From here on nothing can be added. */
  finish(): void {
    this.#isOver = true
  }

  #current(stream: string): Outlook {
    this.#checkOpen()
    if (this.#finished.has(stream)) {
      throw misuse(`${stream}: nothing can follow reset() or dropAbove() in one transaction`)
    }
    return this.outlooks.get(stream) ?? this.#outlookOf(stream)
  }

  #take({ outlook, operations }: Plan): void {
    this.outlooks.set(outlook.stream, outlook)
    this.operations.push(...operations)
  }

  #checkOpen(): void {
    if (this.#isOver) throw misuse('a transaction ends when its function returns; do not use it afterwards')
  }
}

function misuse(what: string): HoldfastError {
  return new HoldfastError('HF_REPLICATION_TRANSACTION_MISUSE', what)
}
