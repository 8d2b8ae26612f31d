import { z } from 'zod'
import type { RejectReason } from '../admission/types.js'
import type { RelayRecord } from '../relay/relay-record.js'
import { syncItems } from '../sync/items.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { Confirmed } from './confirmed-state.js'

const seconds = z.number().nullable()
const record = z.object({
  lastConnected: seconds,
  disconnectedAt: seconds,
  watermark: seconds,
  failuresInRow: z.number(),
  failingSince: seconds,
  recoveredAt: seconds,
  rateLimit: z.object({ until: z.number(), lastHit: z.number(), coolDown: z.number() }).nullable(),
  negentropyRefused: z.object({ at: z.number(), version: z.string().optional() }).nullable(),
  isLimitZeroUnsafe: z.boolean(),
  lastFullSync: seconds,
}) satisfies z.ZodType<RelayRecord>

const savedRelay = z.object({
  url: z.string(),
  record,
  announcementsSynced: z.boolean(),
  repos: z.array(z.string()),
  stateRepos: z.array(z.string()),
  rootEvents: z.array(z.string()),
})

const rejected = z.object({
  id: z.string(),
  pubkey: z.string(),
  kind: z.number(),
  createdAt: z.number(),
  reason: z.enum([
    'blocked',
    'invalid',
    'does-not-list-service',
    'no-announcement',
    'not-authorised',
    'orphan',
    'not-stored',
    'protected',
  ]),
  at: z.number(),
  awaits: z.array(z.string()),
})

/** What a mirror keeps across restarts (R88). After a crash it may be old: then more is fetched than needed, never less. */
export interface SavedState {
  readonly version: 1
  /** When it was saved, in seconds since the Unix epoch. */
  readonly at: number
  readonly relays: readonly SavedRelay[]
  /** Events that were not taken, and why. */
  readonly rejected: readonly SavedRejection[]
}

/** A relay of a {@link SavedState}. */
export interface SavedRelay {
  readonly url: string
  readonly record: RelayRecord
  readonly announcementsSynced: boolean
  readonly repos: string[]
  readonly stateRepos: string[]
  readonly rootEvents: string[]
}

/** A rejected event of a {@link SavedState}. */
export interface SavedRejection {
  readonly id: string
  readonly pubkey: string
  readonly kind: number
  readonly createdAt: number
  readonly reason: RejectReason
  readonly at: number
  readonly awaits: string[]
}

const savedState: z.ZodType<SavedState> = z.object({
  version: z.literal(1),
  at: z.number(),
  relays: z.array(savedRelay),
  rejected: z.array(rejected),
})

/** So many problems are named. */
const mostNamed = 3

/** Checks what was read from a file. @throws an error that names the fields that are not as they were saved */
export function readSavedState(json: unknown): SavedState {
  const { data, error } = savedState.safeParse(json)
  if (error === undefined) return data
  const problems = error.issues.map(
    ({ path, message }) => `${z.core.toDotPath(path) || 'all of it'}: ${message}`,
  )
  const more = problems.length > mostNamed ? [`and ${problems.length - mostNamed} more`] : []
  throw new Error([...problems.slice(0, mostNamed), ...more].join('; '), { cause: error })
}

/** A relay, to be saved. */
export function saveRelay(url: RelayUrl, record: RelayRecord, confirmed: Confirmed): SavedRelay {
  const { items, announcementsSynced } = confirmed
  return {
    url,
    record,
    announcementsSynced,
    repos: [...items.repos],
    stateRepos: [...items.stateRepos],
    rootEvents: [...items.rootEvents],
  }
}

/** What was confirmed of a saved relay. */
export function restoredConfirmed(saved: SavedRelay): Confirmed {
  return { items: syncItems(saved), announcementsSynced: saved.announcementsSynced }
}
