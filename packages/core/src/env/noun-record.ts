import type { Observable } from 'rxjs'
import type { Cursor } from '../cursor/types.js'
import type { Feed } from '../feed/types.js'
import type { Lifecycle } from '../lifecycle/types.js'
import type { Listener } from '../listener/types.js'
import type { Pool, PooledBinding } from '../pool/types.js'
import type { Member } from '../roster/types.js'
import type { SortedKey } from '../sorted-map.js'
import type { Env } from './types.js'

/**
 * What the trace channel `noun` tells when a noun is made, for those who look on: the noun itself, with what can be
 * read of it. Whoever keeps it holds it by a `WeakRef`, or it would never be garbage.
 *
 * Adapters whose machines hold a roster as data tell of it too.
 */
export type NounRecord = { readonly env: Env } & (
  | { readonly kind: 'lifecycle'; readonly noun: Pick<Lifecycle, 'state' | 'state$'> }
  | { readonly kind: 'listener'; readonly noun: Pick<Listener, 'state' | 'endpoint'> }
  | {
      readonly kind: 'pool'
      readonly noun: Pick<Pool<never, never>, 'state'> & {
        /** Who is on which link, or waits for one. */
        bindings(): Iterable<PooledBinding>
      }
    }
  | {
      readonly kind: 'cursor'
      /** Names the log. */
      readonly key: string
      readonly noun: Pick<Cursor<unknown, never>, 'phase' | 'received' | 'applied' | 'durable'>
    }
  | { readonly kind: 'feed'; readonly noun: Pick<Feed<never, never>, 'size'> }
  | { readonly kind: 'roster'; readonly noun: WatchedRoster }
)

/** What can be read of a roster. */
export interface WatchedRoster {
  readonly live: ReadonlyMap<SortedKey, Member<unknown>>
  readonly frozen: ReadonlyMap<SortedKey, Member<unknown>>
  /** Emits whenever either has changed; completes once it will not any more. */
  readonly changes$: Observable<unknown>
}

/** Tells those who look on that there is a noun. */
export function announce(record: NounRecord): void {
  record.env.trace?.('noun', record)
}
