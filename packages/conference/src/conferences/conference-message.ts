import type { WallStamp } from '@holdfast/core'
import type { ConferenceNews, ConferencesInput } from '../group/events.js'
import { textOf } from '../group/text.js'
import type { Conference, ConferencesMachine } from '../group/types.js'
import type { ConferenceIdentifier, RealKey } from '../wire/identity.js'

/** Something that was said in a conference, by others or by us. */
export interface ConferenceMessage {
  readonly conference: number
  readonly identifier: ConferenceIdentifier
  readonly from: RealKey
  /** What the author was called when it came; empty if that was not known. */
  readonly name: string
  readonly isOurs: boolean
  readonly text: string
  readonly as: 'chat' | 'action'
  /** With its author it tells a message from all others. */
  readonly messageNumber: number
  /** When it was said: by our clock, for late ones to the minute. */
  readonly at: WallStamp
  /** It was said while we, or the author, were away. */
  readonly isLate: boolean
}

/**
 * What was said, as an application shows it.
 *
 * @param input - what has led to the news
 * @param machine - as it has come to be
 * @returns `null` if the news are of something else
 */
export function messageOf(
  news: ConferenceNews,
  input: ConferencesInput,
  machine: ConferencesMachine,
  now: WallStamp,
): ConferenceMessage | null {
  if (news.kind !== 'message' && news.kind !== 'sent') return null
  const one = machine.conferences.get(news.conference)
  if (!one) return null
  return news.kind === 'sent' ? sent(news, input, one, machine, now) : heard(news, one, machine, now)
}

function sent(
  { conference, messageNumber }: Extract<ConferenceNews, { readonly kind: 'sent' }>,
  input: ConferencesInput,
  { identifier }: Conference,
  machine: ConferencesMachine,
  at: WallStamp,
): ConferenceMessage | null {
  if (input.kind !== 'say') return null
  const { text, as } = input
  const { realKey: from } = machine
  const name = textOf(machine.name)
  return { conference, identifier, from, name, isOurs: true, text, as, messageNumber, at, isLate: false }
}

function heard(
  { conference, messageNumber, from, text, as, late }: Extract<ConferenceNews, { readonly kind: 'message' }>,
  { identifier, numbers, roster }: Conference,
  machine: ConferencesMachine,
  now: WallStamp,
): ConferenceMessage {
  const number = numbers.get(from)
  const author = number === undefined ? undefined : (roster.live.get(number) ?? roster.frozen.get(number))
  const name = author ? textOf(author.value.name) : ''
  const at = now - (late?.minutes ?? 0) * 60_000
  // Relayed late, a message of an earlier run of ours may come back as well.
  const isOurs = from === machine.realKey
  const isLate = late !== null
  return { conference, identifier, from, name, isOurs, text, as, messageNumber, at, isLate }
}
