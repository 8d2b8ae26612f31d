import type { WallStamp } from '@holdfast/core'
import type { ConferenceNews, ConferencesInput } from './group/events.js'
import type { ConferencesMachine } from './group/types.js'
import type { ConferenceIdentifier, RealKey } from './wire/identity.js'

const utf8 = new TextDecoder()

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
  const { conference, messageNumber } = news
  const one = machine.conferences.get(conference)
  if (!one) return null
  const { identifier, numbers, roster } = one
  const which = { conference, identifier, messageNumber }
  if (news.kind === 'sent') {
    if (input.kind !== 'say') return null
    const { text, as } = input
    const name = utf8.decode(machine.name)
    return { ...which, from: machine.realKey, name, isOurs: true, text, as, at: now, isLate: false }
  }
  const { from, text, as, late } = news
  const number = numbers.get(from)
  const author = number === undefined ? undefined : (roster.live.get(number) ?? roster.frozen.get(number))
  const name = author ? utf8.decode(author.value.name) : ''
  const at = now - (late?.minutes ?? 0) * 60_000
  // Relayed late, a message of an earlier run of ours may come back as well.
  const isOurs = from === machine.realKey
  return { ...which, from, name, isOurs, text, as, at, isLate: late !== null }
}
