import type { WallStamp } from '@holdfast/core'
import type { ConferenceIdentifier } from '../wire/identity.js'
import { type History, type HistoryEntry, historyOf } from './history.js'
import type { Conference, ConferencesMachine } from './types.js'

/**
 * What a Tox save file has no room for: what was said in a conference, and how far its numbers were used. Kept beside
 * the save file, so that a restart neither repeats nor forgets what was said (spec 8.1, E2 and E3).
 */
export interface ConferenceMemory {
  readonly identifier: ConferenceIdentifier
  /** When we became a member, in Unix milliseconds. */
  readonly memberSince: number
  readonly entries: readonly HistoryEntry[]
  /** Peer numbers, and for each the greatest message number that was heard. */
  readonly heard: readonly (readonly [number, number])[]
  /** Peer numbers, and for each the greatest message number that is no longer held. */
  readonly floors: readonly (readonly [number, number])[]
  /**
   * The numbers last used, if nothing was sent after this was taken: then they need not be skipped. `null` if the
   * process went on, and may have crashed.
   */
  readonly exact: { readonly messageNumber: number; readonly lossyNumber: number } | null
}

/** What is to be kept beside the save file. `isFinal`: nothing is sent any more, the process ends. */
export function conferenceMemories(machine: ConferencesMachine, isFinal: boolean): ConferenceMemory[] {
  return Array.from(machine.conferences.values(), (conference): ConferenceMemory => {
    const { identifier, memberSince, history, messageNumber, lossyNumber } = conference
    const exact = isFinal ? { messageNumber, lossyNumber } : null
    const entries = Array.from(history.entries.values())
    return {
      identifier,
      memberSince,
      entries,
      heard: heardIn(conference),
      floors: [...history.floors],
      exact,
    }
  })
}

function heardIn({ roster, heardBefore }: Conference): [number, number][] {
  return [...roster.live, ...roster.frozen].flatMap(([peerNumber, { value }]): [number, number][] => {
    const greatest = value.recent[0]?.messageNumber ?? heardBefore.get(peerNumber)
    return greatest === undefined ? [] : [[peerNumber, greatest]]
  })
}

/**
 * The history that a memory holds. Where the clock was set back meanwhile, it is as old as if it had been saved just now:
 * nothing was said in the future.
 */
export function rememberedHistory({ entries, floors }: ConferenceMemory, now: WallStamp): History {
  const ahead = entries.reduce((most, { at }) => Math.max(most, at - now), 0)
  return historyOf(
    entries.map((entry) => ({ ...entry, at: entry.at - ahead })),
    floors,
  )
}
