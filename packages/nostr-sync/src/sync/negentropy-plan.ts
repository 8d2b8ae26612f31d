import { Buffer } from 'node:buffer'
import type { WallStamp } from '@holdfast/core'
import type { UnixSeconds } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'

/** What is usual, and what strfry takes. */
const usualMessageBytes = 131_072
const ownFrameLimit = 60_000
const leastFrameLimit = 4096
const retestAfter = 86_400_000

/** Bytes that a REQ of ours may take at a relay that takes messages of so many bytes (R101). */
export function requestBytes(maxMessageLength = usualMessageBytes): number {
  return Math.max(1024, Math.min(maxMessageLength, usualMessageBytes) - 1024)
}

/** The frame limit for negentropy about a filter, `null` where the relay's messages are too small for it (R101). */
export function negentropyFrameLimit(filter: Filter, maxMessageLength?: number): number | null {
  if (maxMessageLength === undefined) return ownFrameLimit
  const left = maxMessageLength - 300 - Buffer.byteLength(JSON.stringify(filter))
  const limit = Math.min(ownFrameLimit, Math.floor(left / 2))
  return limit < leastFrameLimit ? null : limit
}

/** What is remembered about a relay that refused negentropy (R99). */
export interface NegentropyRefused {
  readonly at: WallStamp
  /** The `version` of its document then. */
  readonly version: string | undefined
}

/** Whether to try negentropy: unless the relay has refused it within a day, in the version that it still is (R99). */
export function mayTryNegentropy(
  refused: NegentropyRefused | null,
  now: WallStamp,
  version: string | undefined,
): boolean {
  return refused === null || now - refused.at >= retestAfter || refused.version !== version
}

/** Two filters for the halves of the time that one covers (R100); `null` if that is a second. */
export function splitByTime(filter: Filter, now: UnixSeconds): [Filter, Filter] | null {
  const since = filter.since ?? 0
  const until = filter.until ?? Math.max(now, since)
  if (until <= since) return null
  const middle = Math.floor((since + until) / 2)
  return [
    { ...filter, since, until: middle },
    // Open at the end if it was: events of the future are events too.
    { ...filter, since: middle + 1 },
  ]
}

/** What to do after a round of {@link IdFetch}. */
export type FetchOutcome =
  | { readonly kind: 'complete' }
  /** Some came: ask again for the others. */
  | { readonly kind: 'again'; readonly chunks: readonly (readonly string[])[] }
  /** None came, or hardly any: the relay says that it has what it does not give. Fall back to REQ. */
  | { readonly kind: 'fallback'; readonly missing: readonly string[] }

/** Fetches the events that a reconciliation has found missing, in rounds (R102). */
export class IdFetch {
  readonly #missing: Set<string>
  readonly #chunk: number
  #cameInRound = 0
  /** Requests of this round. */
  #asked = 1

  /** @param chunk - ids of one filter: 300, or less if the relay answers with fewer */
  constructor(ids: Iterable<string>, chunk = 300) {
    this.#missing = new Set(ids)
    this.#chunk = chunk
  }

  /** What to ask for now. */
  chunks(): string[][] {
    const ids = [...this.#missing]
    const parts: string[][] = []
    for (let start = 0; start < ids.length; start += this.#chunk)
      parts.push(ids.slice(start, start + this.#chunk))
    this.#asked = parts.length
    return parts
  }

  /** An event came, on these subscriptions or on any other, or is known not to be wanted. */
  received(id: string): void {
    if (this.#missing.delete(id)) this.#cameInRound++
  }

  /** All subscriptions of the round had their EOSE. */
  endRound(): FetchOutcome {
    const came = this.#cameInRound
    this.#cameInRound = 0
    if (this.#missing.size === 0) return { kind: 'complete' }
    // Who gives one event for many requests would have us ask for ever.
    return came * 2 >= this.#asked
      ? { kind: 'again', chunks: this.chunks() }
      : { kind: 'fallback', missing: [...this.#missing] }
  }
}
