import type { NounRecord } from '../index.js'
import type { InspectedNouns, WallMillis } from './types.js'

/** A record of one kind of noun. */
export type RecordOf<K extends NounRecord['kind']> = Extract<NounRecord, { readonly kind: K }>

/** What a {@link View} needs of whoever keeps it. */
export interface ViewHost {
  /** The present. */
  readonly wall: () => WallMillis
  /** Has this view asked for its news; for those that are told of changes. */
  readonly changed: (view: View) => void
}

/** One noun as it is shown. Does not keep the noun from being garbage. */
export interface View<Row extends object = object> {
  readonly id: number
  /** Where its rows are among all. */
  readonly among: keyof InspectedNouns
  /** Whether it says itself when there is news; the others are asked. */
  readonly tells: boolean
  /** How the noun is; `null` once it is garbage. */
  row(): Row | null
  /** How it is, if that is not what {@link View.news} last told; else `null`. */
  news(): Row | null
  /** Until when it is shown: `Infinity` before its end, and no longer than now once it is garbage. */
  shownUntil(): WallMillis
}
