import { MessageError } from './errors.js'
import { type EventLimits, type NostrEvent, readEvent } from './event.js'
import { type Filter, type FilterLimits, readFilter } from './filter.js'
import { type FrameLimits, isSubscriptionId, readFrame } from './frame.js'
import type { RelayMessage } from './relay-message.js'

/** What a client says (spec 9.2). */
export type ClientMessage =
  | { readonly kind: 'event'; readonly event: NostrEvent }
  | { readonly kind: 'req' | 'count'; readonly subscription: string; readonly filters: readonly Filter[] }
  | { readonly kind: 'close' | 'neg-close'; readonly subscription: string }
  /** A signed event of kind 22242 (NIP-42). */
  | { readonly kind: 'auth'; readonly event: NostrEvent }
  | {
      readonly kind: 'neg-open'
      readonly subscription: string
      readonly filter: Filter
      /** In hex. */
      readonly message: string
    }
  | { readonly kind: 'neg-msg'; readonly subscription: string; readonly message: string }

/** What came from a client: a message, or what to answer to something that is none. */
export type ReceivedClientMessage =
  | ClientMessage
  | { readonly kind: 'refused'; readonly answer: RelayMessage }

/** Bounds of what a client may say. */
export interface ClientLimits extends FrameLimits, EventLimits, FilterLimits {
  /**
   * Filters of one REQ or COUNT.
   *
   * @defaultValue 200
   */
  readonly maxFilters?: number
  /**
   * Characters of a subscription id.
   *
   * @defaultValue 64
   */
  readonly maxSubscriptionId?: number
}

/** What an event id that cannot be told is answered with. */
const unknownId = '?'

/**
 * Reads what a client sent. What cannot be served is answered where the client looks for it: a bad event by OK, a bad
 * REQ by CLOSED, a bad NEG-OPEN by NEG-ERR, everything else by NOTICE.
 *
 * @example
 * ```ts
 * import { readClientMessage } from '@holdfast/nostr-sync'
 *
 * readClientMessage('["CLOSE","s"]') // => { kind: 'close', subscription: 's' }
 * readClientMessage('["REQ","s",{"foo":1}]') // => { kind: 'refused', answer: { kind: 'closed', subscription: 's', text: 'invalid: unknown filter member foo' } }
 * ```
 */
export function readClientMessage(text: string, limits: ClientLimits = {}): ReceivedClientMessage {
  let frame: ReturnType<typeof readFrame>
  try {
    frame = readFrame(text, limits)
  } catch (error) {
    if (error instanceof MessageError) return noticed('invalid: not a message')
    throw error
  }
  const [verb, first, ...rest] = frame
  switch (verb) {
    case 'EVENT':
    case 'AUTH':
      return readSigned(verb === 'EVENT' ? 'event' : 'auth', first, limits)
    case 'REQ':
      return readRequest('req', first, rest, limits)
    case 'COUNT':
      return readRequest('count', first, rest, limits)
    case 'CLOSE':
    case 'NEG-CLOSE':
      if (!isSubscriptionId(first, limits.maxSubscriptionId)) return noticed('invalid: bad subscription id')
      return { kind: verb === 'CLOSE' ? 'close' : 'neg-close', subscription: first }
    case 'NEG-OPEN':
      return readNegOpen(first, rest, limits)
    case 'NEG-MSG':
      if (!isSubscriptionId(first, limits.maxSubscriptionId)) return noticed('invalid: bad subscription id')
      return typeof rest[0] === 'string'
        ? { kind: 'neg-msg', subscription: first, message: rest[0] }
        : negRefused(first, 'error: no message')
    default:
      return noticed('unsupported: unknown verb')
  }
}

/** Writes a client's message as one text frame. */
export function formatClientMessage(message: ClientMessage): string {
  switch (message.kind) {
    case 'event':
      return JSON.stringify(['EVENT', message.event])
    case 'auth':
      return JSON.stringify(['AUTH', message.event])
    case 'req':
      return JSON.stringify(['REQ', message.subscription, ...message.filters])
    case 'count':
      return JSON.stringify(['COUNT', message.subscription, ...message.filters])
    case 'close':
      return JSON.stringify(['CLOSE', message.subscription])
    case 'neg-close':
      return JSON.stringify(['NEG-CLOSE', message.subscription])
    case 'neg-open':
      return JSON.stringify(['NEG-OPEN', message.subscription, message.filter, message.message])
    case 'neg-msg':
      return JSON.stringify(['NEG-MSG', message.subscription, message.message])
  }
}

function readSigned(kind: 'event' | 'auth', value: unknown, limits: ClientLimits): ReceivedClientMessage {
  const reading = readEvent(value, limits)
  if (reading.kind === 'event') return { kind, event: reading.event }
  const answer = {
    kind: 'ok',
    id: reading.id ?? unknownId,
    accepted: false,
    text: `invalid: ${reading.why}`,
  } as const
  return { kind: 'refused', answer }
}

function readRequest(
  kind: 'req' | 'count',
  subscription: unknown,
  values: readonly unknown[],
  limits: ClientLimits,
): ReceivedClientMessage {
  if (!isSubscriptionId(subscription, limits.maxSubscriptionId))
    return noticed('invalid: bad subscription id')
  const refused = (why: string): ReceivedClientMessage => ({
    kind: 'refused',
    answer: { kind: 'closed', subscription, text: `invalid: ${why}` },
  })
  const { maxFilters = 200 } = limits
  if (values.length === 0) return refused('no filter')
  if (values.length > maxFilters) return refused(`more than ${maxFilters} filters`)
  const filters: Filter[] = []
  for (const value of values) {
    const reading = readFilter(value, limits)
    if (reading.kind === 'malformed') return refused(reading.why)
    filters.push(reading.filter)
  }
  return { kind, subscription, filters }
}

function readNegOpen(
  subscription: unknown,
  [filter, message]: readonly unknown[],
  limits: ClientLimits,
): ReceivedClientMessage {
  if (!isSubscriptionId(subscription, limits.maxSubscriptionId))
    return noticed('invalid: bad subscription id')
  // Some clients send a list of one, which strfry takes too (R96).
  const [only, ...more] = Array.isArray(filter) ? (filter as unknown[]) : [filter]
  if (more.length > 0) return negRefused(subscription, 'error: more than one filter')
  const reading = readFilter(only, limits)
  if (reading.kind === 'malformed') return negRefused(subscription, `error: ${reading.why}`)
  if (typeof message !== 'string') return negRefused(subscription, 'error: no message')
  return { kind: 'neg-open', subscription, filter: reading.filter, message }
}

function negRefused(subscription: string, text: string): ReceivedClientMessage {
  return { kind: 'refused', answer: { kind: 'neg-err', subscription, text, max: null } }
}

function noticed(text: string): ReceivedClientMessage {
  return { kind: 'refused', answer: { kind: 'notice', text } }
}
