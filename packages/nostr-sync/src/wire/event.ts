import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { isHex64, isHex128 } from './hex.js'

/** A point in time as events carry it: seconds since the Unix epoch. */
export type UnixSeconds = number

/** An event as NIP-01 defines it. */
export interface NostrEvent {
  /** 64 hex digits: the SHA-256 of {@link serializeEvent}. */
  readonly id: string
  /** 64 hex digits: the author's x-only public key. */
  readonly pubkey: string
  readonly created_at: UnixSeconds
  readonly kind: number
  /** Each has a name and any number of values. */
  readonly tags: readonly (readonly string[])[]
  readonly content: string
  /** 128 hex digits: BIP-340, by `pubkey` over the bytes of `id`. */
  readonly sig: string
}

/** What {@link readEvent} lets pass. */
export interface EventLimits {
  /**
   * Bytes that all strings of the event take together.
   *
   * @defaultValue 131072
   */
  readonly maxBytes?: number
  /** @defaultValue 2500 */
  readonly maxTags?: number
  /** The latest `created_at` that is believed: now and 900 seconds, usually. Without it any is. */
  readonly latest?: UnixSeconds
}

/** An event whose shape is right, or what is wrong with it. The signature is another matter. */
export type EventReading =
  | { readonly kind: 'event'; readonly event: NostrEvent }
  /** `id` is what the value claimed, if that can be one. */
  | { readonly kind: 'malformed'; readonly why: string; readonly id: string | null }

/** @defaultValue of {@link EventLimits.maxBytes} */
const defaultMaxBytes = 128 * 1024
const defaultMaxTags = 2500
/** What the fixed members and the punctuation take. */
const framingBytes = 350
const loneSurrogate = /\p{Surrogate}/u

/**
 * Checks the shape of an event (R91), which fast signature libraries do not. Members that the id does not cover are
 * dropped.
 *
 * @param value - parsed JSON
 */
export function readEvent(value: unknown, limits: EventLimits = {}): EventReading {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { kind: 'malformed', why: 'an event must be an object', id: null }
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>
  const malformed = (why: string): EventReading => ({ kind: 'malformed', why, id: isHex64(id) ? id : null })
  if (!isHex64(id)) return malformed('id must be 64 lower-case hex digits')
  if (!isHex64(pubkey)) return malformed('pubkey must be 64 lower-case hex digits')
  if (!isHex128(sig)) return malformed('sig must be 128 lower-case hex digits')
  if (!isWhole(created_at, Number.MAX_SAFE_INTEGER)) return malformed('created_at must be a whole number')
  if (!isWhole(kind, 65_535)) return malformed('kind must be a whole number up to 65535')
  if (typeof content !== 'string') return malformed('content must be a string')
  const { maxBytes = defaultMaxBytes, maxTags = defaultMaxTags, latest = Infinity } = limits
  if (created_at > latest) return malformed('created_at is too far in the future')
  if (!Array.isArray(tags)) return malformed('tags must be an array')
  if (tags.length > maxTags) return malformed(`more than ${maxTags} tags`)
  let bytes = framingBytes + Buffer.byteLength(content)
  for (const tag of tags as unknown[]) {
    if (!isTag(tag)) return malformed('a tag must be an array of strings, and not empty')
    for (const text of tag) {
      bytes += Buffer.byteLength(text)
      if (loneSurrogate.test(text)) return malformed('a tag is not valid Unicode')
    }
    if (bytes > maxBytes) break
  }
  if (bytes > maxBytes) return malformed(`larger than ${maxBytes} bytes`)
  if (loneSurrogate.test(content)) return malformed('content is not valid Unicode')
  return {
    kind: 'event',
    event: { id, pubkey, created_at, kind, tags: tags as string[][], content, sig },
  }
}

/**
 * The text whose SHA-256 is the id (R89). JSON as JavaScript writes it is what NIP-01 asks for.
 *
 * @example
 * ```ts
 * import { eventId, serializeEvent } from '@holdfast/nostr-sync'
 *
 * const note = { pubkey: 'ab'.repeat(32), created_at: 1, kind: 1, tags: [['t', 'x']], content: '"' }
 * serializeEvent(note) // => `[0,"${'ab'.repeat(32)}",1,1,[["t","x"]],"\\""]`
 * eventId(note).length // => 64
 * ```
 */
export function serializeEvent(event: Omit<NostrEvent, 'id' | 'sig'>): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content])
}

/** What the id of this event has to be (R89). */
export function eventId(event: Omit<NostrEvent, 'id' | 'sig'>): string {
  return hash('sha256', serializeEvent(event))
}

/** NIP-01's order of two events of which only one may be kept: negative if `a` is the one to keep. */
export function compareForReplacement(a: NostrEvent, b: NostrEvent): number {
  if (a.created_at !== b.created_at) return b.created_at - a.created_at
  return a.id < b.id ? -1 : a.id === b.id ? 0 : 1
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

function isTag(tag: unknown): tag is string[] {
  return Array.isArray(tag) && tag.length > 0 && tag.every((text) => typeof text === 'string')
}
