import type { JsonObject } from './rows.js'

/** A presence state as federation rows carry it. Times are in milliseconds since 1970, 0 is never. */
export interface FederationPresence {
  readonly user_id: string
  readonly state: string
  readonly last_active_ts: number
  readonly last_federation_update_ts: number
  readonly last_user_sync_ts: number
  readonly status_msg: string | null
  readonly currently_active: boolean
}

/** An ephemeral message for another server. */
export interface Edu {
  readonly origin: string
  readonly destination: string
  readonly edu_type: string
  readonly content: JsonObject
}

/**
 * A row of `federation`. The data are JSON objects, whose members keep the names that they have on the wire.
 *
 * `p`: presence for everybody interested; `pd`: presence for certain servers; `k`: an EDU that replaces an earlier
 * one of the same destination and key; `e`: an EDU; `d`: device messages wait for a server; `unknown`: a type that
 * came later, to be skipped by itself (9.2).
 */
export type FederationRow =
  | { readonly kind: 'p'; readonly data: FederationPresence }
  | {
      readonly kind: 'pd'
      readonly data: { readonly state: FederationPresence; readonly dests: readonly string[] }
    }
  | { readonly kind: 'k'; readonly data: { readonly key: readonly string[]; readonly edu: Edu } }
  | { readonly kind: 'e'; readonly data: Edu }
  | { readonly kind: 'd'; readonly data: { readonly destination: string } }
  | { readonly kind: 'unknown'; readonly type: string; readonly data: unknown }
