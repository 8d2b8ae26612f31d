import type { Observable } from 'rxjs'
import type { Millis } from '../end.js'
import type { Env, WallStamp } from '../env/types.js'
import type { SortedKey } from '../sorted-map.js'

/** A keyed thing that outlives links. Live, or frozen: kept aside until it comes back or is forgotten. */
export interface Member<V> {
  readonly value: V
  /** When it last joined, was touched or thawed; a {@link RosterTime.stamp}. */
  readonly lastActive: WallStamp
  /** Present while the member is frozen. */
  readonly frozen?: { readonly since: WallStamp; readonly why: string }
}

/** How long and how many frozen members are kept; without a bound there is none. */
export interface RosterKeep {
  /** Frozen for exactly this long is still kept, longer is not. */
  readonly for?: Millis
  /** 0 keeps none: to freeze is then to forget. */
  readonly max?: number
}

/** Why a member is no longer kept: it was asked for, retention ran out, or there were too many. */
export type ForgottenWhy = 'asked' | 'expired' | 'evicted'

/** A move of a member, told after it: the effects of {@link rosterStep}, in the order of the moves. */
export type RosterChange<K, V> =
  | { readonly kind: 'joined'; readonly key: K; readonly value: V }
  | { readonly kind: 'frozen'; readonly key: K; readonly value: V; readonly why: string }
  | { readonly kind: 'thawed'; readonly key: K; readonly value: V; readonly frozenFor: Millis }
  | { readonly kind: 'forgotten'; readonly key: K; readonly value: V; readonly why: ForgottenWhy }

/** Options of {@link roster}. */
export interface RosterOptions<K extends SortedKey, V> {
  readonly env: Env
  /**
   * A member without activity for this long is frozen, as `silent`; noticed at most a quarter of it later, and after
   * what has arrived while our own loop stood still. Time asleep is no silence. With it the roster sweeps itself, which
   * does not hold the process. Without it nobody is frozen but by {@link Roster.freeze}, and retention is enforced when
   * the owner calls {@link Roster.sweep}.
   */
  readonly freezeAfter?: Millis
  /** Read at each use, so it can change; without it all are kept. */
  readonly keep?: () => RosterKeep
  /**
   * Sorts first who is forgotten first when there are more than `keep.max`.
   *
   * @defaultValue by oldest activity; equals go by their keys
   */
  readonly evictFirst?: (a: Member<V>, b: Member<V>) => number
  /**
   * Called after the move. What a hook does to the roster is done when all have heard of it; one that throws is
   * logged, and changes nothing.
   */
  readonly onFreeze?: (key: K, value: V, why: string) => void
  /** Called after a member has thawed, with how long it was frozen. */
  readonly onThaw?: (key: K, value: V, frozenFor: Millis) => void
  /** Called after a member was forgotten. */
  readonly onForget?: (key: K, value: V, why: ForgottenWhy) => void
  /** What an earlier process has saved. Restored members start frozen; those for whom retention is over are forgotten. */
  readonly restore?: Iterable<readonly [K, Member<V>]>
}

/**
 * Keyed members that outlive links: live, or frozen and kept for a while. Keys are in order.
 *
 * In the middle of a step, as in a hook or a subscriber of `changes$`, what is asked of the roster is answered from
 * how it is, and done after the step.
 */
export interface Roster<K extends SortedKey, V> extends AsyncDisposable {
  /** Who takes part. Iterating it never yields who has been frozen or forgotten meanwhile, nor a newcomer. */
  readonly live: ReadonlyMap<K, Member<V>>
  /** Who is kept aside. Never holds a key of `live`. To save a roster, iterate both. */
  readonly frozen: ReadonlyMap<K, Member<V>>
  /** Every move, after it. Hot; completes once closed. */
  readonly changes$: Observable<RosterChange<K, V>>
  /** Is here now. `value` is for a newcomer: who is live or frozen keeps the value it has. */
  join(key: K, value: V): 'joined' | 'thawed' | 'already-live'
  /** Showed life. Thaws; a stranger stays one. */
  touch(key: K): 'live' | 'thawed' | 'unknown'
  /** Gives a member another value, wherever it is; no sign of life. @returns whether it is known */
  update(key: K, value: V): boolean
  /** @returns whether it was live */
  freeze(key: K, why: string): boolean
  /** @returns `null` unless it was frozen, and retention is not over */
  thaw(key: K): { readonly value: V; readonly frozenFor: Millis } | null
  /** @returns whether it was known */
  forget(key: K): boolean
  /** Freezes the silent, and forgets whom retention no longer covers. */
  sweep(): void
  /** Sweeps itself no more, and completes `changes$`. It holds nothing else, and goes on as data. */
  close(): void
}
