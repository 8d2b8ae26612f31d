import { MessageError } from './errors.js'
import { type EventLimits, type EventReading, type NostrEvent, readEvent } from './event.js'
import { type FrameLimits, isSubscriptionId, readFrame, shown } from './frame.js'
import { isHex64 } from './hex.js'

/** What a relay says (spec 9.2). `subscription` is the id that the client chose. */
export type RelayMessage =
  | { readonly kind: 'event'; readonly subscription: string; readonly event: NostrEvent }
  /** All that is stored has been sent. */
  | { readonly kind: 'eose'; readonly subscription: string }
  /** The relay ended a subscription, or refused it. */
  | { readonly kind: 'closed'; readonly subscription: string; readonly text: string }
  /** What became of an event or of an authentication. */
  | { readonly kind: 'ok'; readonly id: string; readonly accepted: boolean; readonly text: string }
  /** Text for people. */
  | { readonly kind: 'notice'; readonly text: string }
  /** What to sign for authentication (NIP-42). */
  | { readonly kind: 'auth'; readonly challenge: string }
  | {
      readonly kind: 'count'
      readonly subscription: string
      readonly count: number
      readonly approximate: boolean
    }
  /** `message` in hex (NIP-77). */
  | { readonly kind: 'neg-msg'; readonly subscription: string; readonly message: string }
  /** `max` is the largest set that the relay would have worked on, if it says so. */
  | {
      readonly kind: 'neg-err'
      readonly subscription: string
      readonly text: string
      readonly max: number | null
    }

/** What came from a relay: a message, an event whose shape is wrong, or a verb that we do not know and ignore. */
export type ReceivedRelayMessage =
  | RelayMessage
  | {
      readonly kind: 'malformed-event'
      readonly subscription: string
      readonly reading: EventReading & { kind: 'malformed' }
    }
  | { readonly kind: 'unknown'; readonly verb: string }

/** How long a text for people is read. */
const maxTextLength = 1024
/** Relays echo ids that are too long; whoever did not choose one ignores it. */
const maxEchoLength = 256

/**
 * Reads what a relay sent.
 *
 * @throws a {@link MessageError} when the frame is too large, is no message, or lacks what its verb demands
 * @example
 * ```ts
 * import { readRelayMessage } from '@holdfast/nostr-sync'
 *
 * readRelayMessage('["EOSE","1.a"]') // => { kind: 'eose', subscription: '1.a' }
 * readRelayMessage('["HELLO"]') // => { kind: 'unknown', verb: 'HELLO' }
 * ```
 */
export function readRelayMessage(text: string, limits: FrameLimits & EventLimits = {}): ReceivedRelayMessage {
  const [verb, first, second, third] = readFrame(text, limits)
  switch (verb) {
    case 'EVENT': {
      const subscription = named(verb, first)
      const reading = readEvent(second, limits)
      return reading.kind === 'event'
        ? { kind: 'event', subscription, event: reading.event }
        : { kind: 'malformed-event', subscription, reading }
    }
    case 'EOSE':
      return { kind: 'eose', subscription: named(verb, first) }
    case 'CLOSED':
      return { kind: 'closed', subscription: named(verb, first), text: optionalText(second) }
    case 'OK':
      if (!isHex64(first) || typeof second !== 'boolean')
        throw new MessageError('OK without id or verdict', text)
      return { kind: 'ok', id: first, accepted: second, text: optionalText(third) }
    case 'NOTICE':
      return { kind: 'notice', text: optionalText(first) }
    case 'AUTH':
      if (typeof first !== 'string' || first.length > maxTextLength)
        throw new MessageError('AUTH without challenge', text)
      return { kind: 'auth', challenge: first }
    case 'COUNT':
      return { kind: 'count', subscription: named(verb, first), ...readCount(second) }
    case 'NEG-MSG':
      if (typeof second !== 'string') throw new MessageError('NEG-MSG without message', text)
      return { kind: 'neg-msg', subscription: named(verb, first), message: second }
    case 'NEG-ERR':
      return {
        kind: 'neg-err',
        subscription: named(verb, first),
        text: optionalText(second),
        max: isCount(third) ? third : null,
      }
    default:
      return { kind: 'unknown', verb: verb.slice(0, 40) }
  }
}

/** Writes a relay's message as one text frame. */
export function formatRelayMessage(message: RelayMessage): string {
  switch (message.kind) {
    case 'event':
      return JSON.stringify(['EVENT', message.subscription, message.event])
    case 'eose':
      return JSON.stringify(['EOSE', message.subscription])
    case 'closed':
      return JSON.stringify(['CLOSED', message.subscription, message.text])
    case 'ok':
      return JSON.stringify(['OK', message.id, message.accepted, message.text])
    case 'notice':
      return JSON.stringify(['NOTICE', message.text])
    case 'auth':
      return JSON.stringify(['AUTH', message.challenge])
    case 'count': {
      const { count, approximate } = message
      return JSON.stringify(['COUNT', message.subscription, approximate ? { count, approximate } : { count }])
    }
    case 'neg-msg':
      return JSON.stringify(['NEG-MSG', message.subscription, message.message])
    case 'neg-err': {
      const { subscription, text, max } = message
      return JSON.stringify(['NEG-ERR', subscription, text, ...(max === null ? [] : [max])])
    }
  }
}

function named(verb: string, value: unknown): string {
  if (!isSubscriptionId(value, maxEchoLength))
    throw new MessageError(`${verb} without subscription id`, shown(value))
  return value
}

function optionalText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, maxTextLength) : ''
}

function readCount(value: unknown): { count: number; approximate: boolean } {
  const { count, approximate } = Object(value) as { count?: unknown; approximate?: unknown }
  if (!isCount(count)) throw new MessageError('COUNT without count', shown(value))
  return { count, approximate: approximate === true }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
