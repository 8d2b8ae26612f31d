import type { Millis } from '../end.js'
import type { WallStamp } from '../env/types.js'
import type { SortedKey, SortedMap } from '../sorted-map.js'
import type { Member, RosterKeep } from './types.js'

/** A {@link Member} that takes part. */
export interface LiveMember<V> extends Member<V> {
  readonly frozen?: never
  /** When it was last active; a {@link RosterTime.beat}, of no meaning to another process. */
  readonly beat: Millis
}

/** A {@link Member} that is kept aside. */
export interface FrozenMember<V> extends Member<V> {
  readonly frozen: { readonly since: WallStamp; readonly why: string }
}

/**
 * A moment on the two axes a roster lives by. Neither ever goes back, nor jumps when somebody sets the clock.
 */
export interface RosterTime {
  /** Stands still while the host sleeps, as `clock.now()` does: a sleeper has missed no heartbeat. */
  readonly beat: Millis
  /**
   * Goes on while the host sleeps, because retention does: the wall time read once, at the start of the process,
   * plus `clock.since` a mark taken then. So it compares with what an earlier process has saved.
   */
  readonly stamp: WallStamp
}

/** What {@link rosterStep} goes by. May differ from step to step, and is believed at each. */
export interface RosterRules<V> {
  /** A member without activity for this long is frozen by the next sweep. Without it nobody is. */
  readonly freezeAfter?: Millis
  readonly keep?: RosterKeep
  /**
   * Sorts first who is forgotten first when there are more than `keep.max`.
   *
   * @defaultValue by oldest activity; equals go by their keys
   */
  readonly evictFirst?: (a: Member<V>, b: Member<V>) => number
}

/** The members of a roster, each in one of the two maps. Made by {@link emptyRoster}, changed by {@link rosterStep}. */
export interface RosterMachine<K extends SortedKey, V> {
  readonly live: SortedMap<K, LiveMember<V>>
  readonly frozen: SortedMap<K, FrozenMember<V>>
}

/** What happens to a roster. */
export type RosterEvent<K extends SortedKey, V> =
  /** Is here now. `value` is for a newcomer: who is live or frozen keeps the value it has. */
  | { readonly kind: 'join'; readonly key: K; readonly value: V; readonly at: RosterTime }
  /** Showed life. Thaws; does nothing for a stranger. */
  | { readonly kind: 'touch'; readonly key: K; readonly at: RosterTime }
  | { readonly kind: 'freeze'; readonly key: K; readonly why: string; readonly at: RosterTime }
  | { readonly kind: 'thaw'; readonly key: K; readonly at: RosterTime }
  | { readonly kind: 'forget'; readonly key: K }
  /** Has another value, and stays where it is: no sign of life. */
  | { readonly kind: 'update'; readonly key: K; readonly value: V }
  /** Freezes the silent and forgets whom retention no longer covers. */
  | { readonly kind: 'sweep'; readonly at: RosterTime }
  /**
   * What an earlier process has saved: frozen from now on, whatever it was. Who was live counts as frozen since
   * its last activity, as nobody knows how long it lasted. Who is already known stays as it is.
   */
  | {
      readonly kind: 'restored'
      readonly members: Iterable<readonly [K, Member<V>]>
      readonly at: RosterTime
    }
