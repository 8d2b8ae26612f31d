import type { Observable } from 'rxjs'
import type { Budget } from '../budget.js'
import type { Millis } from '../end.js'
import type { Env } from '../env/types.js'
import type { LinkScope } from '../link/types.js'

/** A place in somebody else's log: everything up to and including `at` is behind it. */
export interface Position<P> {
  readonly at: P
  /** Which incarnation of the log `at` belongs to, where the protocol has such a thing. */
  readonly epoch?: string
}

/** Why a position is worthless and the state has to be loaded anew. */
export type ResetWhy =
  | 'first-time'
  | 'too-old'
  | 'epoch-changed'
  | 'went-backwards'
  | 'retention-expired'
  | 'peer-cannot'
  | 'gap'
  | 'asked'

/**
 * Where a cursor stands.
 *
 * - `unloaded`: there is a store, and {@link Cursor.load} has not finished.
 * - `unknown`: nobody has said yet whether the position holds on the present link. Batches are applied.
 * - `continuous`: {@link Cursor.resumed} was said.
 * - `resyncing`: a reset verdict stands. Nothing is applied; links that feed the cursor are paused.
 * - `resynced`: the state was loaded anew and the position is what `resync` returned.
 * - `stale`: `resync` failed. Nothing is applied; it is tried again as soon as a link says anything.
 * - `closed`: for good.
 */
export type CursorPhase =
  | 'unloaded'
  | 'unknown'
  | 'continuous'
  | 'resyncing'
  | 'resynced'
  | 'stale'
  | 'closed'

/** Where a cursor keeps its position. A `Store<Position<P> | null>` is one. */
export interface PositionStore<P> {
  /** `undefined` or `null` where nothing was saved. Rejects when it cannot be read. */
  load(): Promise<Position<P> | null | undefined>
  /**
   * Absent where `apply` and `resync` store the position in a transaction of their own: durable is then the same
   * as applied. `null` means that there is no position any more.
   */
  save?(to: Position<P> | null): Promise<void>
}

/** A batch on its way into the application. */
export interface AppliedBatch<P, T> {
  /** Empty for a position that came without items, see {@link CursorOptions.apply}. */
  readonly items: readonly T[]
  /** Where the position is once this batch is applied; `null` where it stays. */
  readonly to: Position<P> | null
}

/** Options of {@link cursor}. */
export interface CursorOptions<P, T> {
  readonly env: Env
  /** Names the log in messages and traces. */
  readonly key: string
  /** Orders positions: negative when `a` comes before `b`. */
  readonly compare: (a: P, b: P) => number
  /**
   * Only for logs in which every position is taken: what `b` is, seen from `a`. `old` batches are dropped, a
   * `gap` resets the cursor.
   */
  readonly next?: (a: P, b: P) => 'next' | 'gap' | 'old' | 'unknown'
  /** Bytes that an item holds, for the budgets. */
  readonly sizeOf: (item: T) => number
  /**
   * Takes one whole batch; the position moves when it has settled. Never called again before that, and never
   * between a reset verdict and the end of `resync`. If it fails the position stays, and the links that feed the
   * cursor end with `adapter-threw`, so that the batch comes again.
   *
   * With a store that has no `save` it is also called, without items, for a position that came by
   * {@link Cursor.advance}: nobody else would store it.
   */
  readonly apply: (batch: AppliedBatch<P, T>) => void | Promise<void>
  /**
   * Loads the state anew. Takes the position FIRST and the state after it, so that nothing falls between them;
   * what is applied afterwards may then overlap, but never leaves a hole.
   *
   * @param peer - the position that the other side announced with the verdict
   * @returns the position that was taken, or `null` if the log has none
   */
  readonly resync: (why: ResetWhy, peer: Position<P> | null) => Promise<Position<P> | null>
  /** Bound of all open batches together; past it the link that added last ends with `overflow`. */
  readonly staging: Budget
  /** Bound of what is sealed and not yet applied; past it the links that feed the cursor are paused. */
  readonly backlog: Budget
  readonly store?: PositionStore<P>
  /**
   * How long a position may wait to be saved together with later ones; a crash repeats what was applied since.
   * When a link ends, and on {@link Cursor.settled}, it is saved at once.
   *
   * @defaultValue 0, after every batch
   */
  readonly saveEvery?: Millis
}

/** How far a cursor has come: `durable` ≤ `applied` ≤ `received`. */
export interface CursorProgress<P> {
  readonly received: P | null
  readonly applied: P | null
  readonly durable: P | null
}

/**
 * The position in somebody else's log. It outlives links: batches come in over whichever link there is, are applied
 * whole and in the order of sealing, and the position follows.
 *
 * The peer, not the connection, decides whether a resume worked: on each link the protocol passes its verdict on,
 * by {@link Cursor.resumed} or {@link Cursor.reset}.
 */
export interface Cursor<P, T> extends AsyncDisposable {
  readonly phase: CursorPhase
  /** The furthest position that was sealed or advanced to. */
  readonly received: Position<P> | null
  /** Everything up to here has been applied. */
  readonly applied: Position<P> | null
  /** Everything up to here survives a crash; always `null` without a store. */
  readonly durable: Position<P> | null
  /**
   * Reads the store; needed once, before the first link, where there is one. Calling it again joins the first call,
   * or tries again if that failed.
   *
   * @throws (rejects) a `HoldfastError` `HF_CURSOR_LOAD_FAILED` when the store cannot be read
   */
  load(): Promise<void>
  /**
   * What to ask the peer for: the durable position if there is a store, else the applied one (I17).
   *
   * @throws a `HoldfastError` `HF_CURSOR_NOT_LOADED` before {@link Cursor.load} has finished
   */
  resumeFrom(): Position<P> | null
  /**
   * Begins a batch; the link now feeds this cursor, until it ends. Several may be open at once.
   *
   * @param o.floor - while this batch is open or queued the position stays below `floor` (a low watermark). If it
   * is discarded, positions at or past `floor` that were waiting for it are forgotten, because what it held must
   * come again. A floor at or below the position, or below one being applied, keeps it from moving further.
   * @throws a `HoldfastError` `HF_CURSOR_NOT_LOADED` or `HF_CURSOR_CLOSED`
   */
  open(scope: LinkScope, o?: { readonly floor?: P }): Batch<P, T>
  /**
   * A position without items. Takes effect after every batch sealed before it (I20); leaves open batches alone,
   * but their floors hold it back.
   *
   * @returns `back` if it lies behind what was received: then nothing happens
   */
  advance(to: P): 'ok' | 'back'
  /**
   * The verdict that the peer continues from where it was asked to.
   *
   * While a resync is under way, or after one has failed, this asks for another one: the link continues from a
   * position that is no longer ours. Not so if `scope` is the link that brought the reset verdict.
   */
  resumed(scope?: LinkScope): void
  /**
   * The verdict that the position is worthless. What was sealed before it is dropped; a batch being applied is
   * awaited; then `resync` runs, with the links that feed this cursor paused. What is sealed meanwhile waits, and is
   * afterwards applied unless the new position covers it. With a store the resync ends when its position is saved.
   * A verdict during a resync starts another one after it.
   *
   * @param scope - the link that brought the verdict; it then counts as feeding this cursor
   * @returns whether the resync succeeded; never rejects. If it failed the links that feed the cursor end with
   * `adapter-threw`, and it is tried again once another link says anything
   */
  reset(why: ResetWhy, peer?: Position<P> | null, scope?: LinkScope): Promise<boolean>
  /**
   * Resolves when everything sealed or advanced so far is applied and saved, or was dropped with its link.
   *
   * @throws (rejects) a `HoldfastError` `HF_CURSOR_UNSETTLED` when applying or saving failed meanwhile, or the
   * cursor was closed
   */
  settled(): Promise<void>
  /**
   * Drops what is open or queued, lets a batch being applied finish, saves a last time, and resolves. Links are left
   * alone; batches of theirs do nothing from now on. Idempotent.
   */
  close(): Promise<void>
  /** Replays the present, then changes: those of `durable` at once, others at most every 100 ms. */
  readonly progress$: Observable<CursorProgress<P>>
}

/** Items that are applied whole or not at all. Single use; gone without a trace when its link ends (I19). */
export interface Batch<P, T> {
  /**
   * Does nothing once the batch is discarded.
   *
   * @throws a `HoldfastError` `HF_BATCH_SEALED` after {@link Batch.seal}
   */
  add(item: T): void
  /**
   * Closes the batch and queues it behind those sealed before.
   *
   * @param to - the position behind the batch; `null` if it moves none, because that comes with a later
   * {@link Cursor.advance}
   * @returns `old`: dropped, since it is covered already or was discarded. `gap`: dropped, and the cursor has been
   * reset with `to` as the peer's position; the caller need not do anything
   * @throws a `HoldfastError` `HF_BATCH_SEALED` when sealed before
   */
  seal(to: P | null): 'ok' | 'old' | 'gap'
  /** Forgets the batch, as if its link had ended; whoever wants its items asks for them again. */
  discard(): void
}
