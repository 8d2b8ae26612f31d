import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Filter, NostrEvent } from '@holdfast/nostr-sync'

function load(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/nostr-${name}.json`), 'utf8'))
}

/** BIP-340's own test vectors. */
export const bip340 = (
  load('bip340') as {
    vectors: readonly {
      index: number
      publicKey: string
      message: string
      signature: string
      valid: boolean
      comment: string
    }[]
  }
).vectors

/** Signed events with their serialization. */
export const signedEvents = load('events') as {
  keys: Record<string, { sk: string; pk: string }>
  events: readonly { name: string; author: string; serialized: string; event: NostrEvent }[]
}

/** The event of that name. */
export function eventNamed(name: string): NostrEvent {
  const found = signedEvents.events.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no event ${name}`)
  return found.event
}

/** Events to refuse, with a baseline and borderline ones, whose verdict is a sentence. */
export const invalidEvents = (
  load('invalid-events') as {
    cases: readonly { name: string; valid: boolean | string; event: unknown }[]
  }
).cases

type ItemList = readonly (readonly [timestamp: number, id: string])[]

/** One side's items: listed, or by rule over the universe of the scenario. */
export type ScenarioSide =
  | ItemList
  | { readonly rule: string; readonly indexes?: readonly number[] | 'all' | 'none' }

/** A whole exchange as the reference had it. */
export interface Scenario {
  readonly name: string
  readonly universe: number
  readonly clientFrameSizeLimit: number
  readonly serverFrameSizeLimit: number
  readonly timestamp?: string
  readonly client: ScenarioSide
  readonly server: ScenarioSide
  readonly messages: readonly (
    | string
    | { readonly bytes: number; readonly sha256: string; readonly head: string }
  )[]
  readonly have?: readonly string[]
  readonly need?: readonly string[]
  readonly haveCount?: number
  readonly needCount?: number
  readonly haveSha256?: string
  readonly needSha256?: string
}

/** Negentropy as the reference in C++ speaks it. */
export const negentropy = load('negentropy') as {
  varints: readonly { value: string; hex: string }[]
  /** Without `ids`: the first `count` of the universe. */
  fingerprints: readonly { ids?: readonly string[]; count: number; fingerprint: string }[]
  responder: readonly {
    name: string
    responderItems: ItemList
    message: string
    reply?: string
    error?: string
  }[]
  scenarios: readonly Scenario[]
}

interface Items {
  readonly repos: readonly string[]
  readonly roots: readonly string[]
}

/** The decision tables. */
export const rules = load('sync-rules') as {
  filters: {
    layer1: Record<string, readonly Filter[]>
    cases: readonly {
      repos: number
      rootEvents: number
      layer2Count: number
      layer3Count: number
      stateFilterCount: number
      layer2?: readonly Filter[]
      layer3?: readonly Filter[]
      state?: readonly Filter[]
      withSince1700000000?: { layer2: readonly Filter[]; layer3: readonly Filter[] }
    }[]
  }
  filterMatching: readonly { name: string; filter: Filter; eventName: string; matches: boolean }[]
  cloneUrlToRelayUrl: readonly (readonly [string, string | null])[]
  relayUrlNormalisation: readonly (readonly [string, string | null])[]
  listsService: readonly {
    domain: string
    clone: readonly string[]
    relays: readonly string[]
    listsService: boolean
  }[]
  addressParsing: readonly (readonly [string, { kind: number; pubkey: string; d: string } | null])[]
  acceptance: readonly { eventName: string; result: string }[]
  threeWayDiff: readonly {
    name: string
    target: Items
    pending?: Items | null
    pendingBatches?: readonly Items[]
    confirmed: Items | null
    status: string | null
    expect: Items | null
  }[]
  reconnectStrategy: readonly {
    name: string
    bufferSecs: number
    windowSecs: number
    state: {
      lastConnected: number | null
      disconnectedAt: number | null
      announcementsSynced?: boolean
      historicWatermark?: number
      now: number
    }
    strategy: string
    since: { layer1Since: number | null; layer23Since: number | null } | null
  }[]
  pagination: readonly {
    name: string
    threshold: number
    received: number
    newEvents?: number
    minCreatedAt: number | null
    next: { until: number } | null
  }[]
  backoff: readonly { failures: number; baseSecs: number; maxSecs: number; delaySecs: number }[]
  rateLimitNotices: readonly { notice: string; expected: boolean | string }[]
  negentropyUnsupportedNotices: readonly { notice: string; treatAsUnsupported: boolean }[]
}

/** Conversations with strfry, as they were on the wire. */
export const strfryLogs = (
  load('wire-strfry') as {
    logs: readonly { name: string; log: readonly { dir: string; msg?: string }[] }[]
  }
).logs
