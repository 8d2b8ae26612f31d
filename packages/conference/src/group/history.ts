import { type Budget, type Millis, SortedMap, type WallStamp } from '@holdfast/core'
import type { RealKey } from '../wire/identity.js'
import type { messageIds } from '../wire/packets.js'
import { isGreater } from './message-window.js'

/** Something that was said. Its author and its number make it what it is. */
export interface HistoryEntry {
  readonly realKey: RealKey
  readonly peerNumber: number
  readonly messageNumber: number
  readonly messageId: typeof messageIds.chat | typeof messageIds.action
  readonly text: Uint8Array
  /** When it was said, as far as we know. */
  readonly at: WallStamp
}

/** What was said in a conference lately, in the order in which we heard it. */
export interface History {
  readonly entries: readonly HistoryEntry[]
  /** Bytes of all texts. */
  readonly bytes: number
  /** For each peer number, the greatest message number that is no longer held: nothing up to it is taken again. */
  readonly floors: SortedMap<number, number>
}

/** Nothing was said yet. */
export const noHistory: History = { entries: [], bytes: 0, floors: new SortedMap() }

/** How many peer numbers a history remembers floors of. */
const mostFloors = 1024

/** Whether it was heard before: it is held, or older than what is held of its author. */
export function isKnown(history: History, peerNumber: number, messageNumber: number): boolean {
  const floor = history.floors.get(peerNumber)
  if (floor !== undefined && !isGreater(messageNumber, floor)) return true
  return history.entries.some(
    (entry) => entry.messageNumber === messageNumber && entry.peerNumber === peerNumber,
  )
}

/** Holds one more; the first heard go when there are too many, too large or too old. */
export function addToHistory(history: History, entry: HistoryEntry, budget: Budget, now: WallStamp): History {
  const { age = Infinity, count = Infinity } = budget
  let bytes = history.bytes + entry.text.length
  const entries = [...history.entries, entry]
  let { floors } = history
  let gone = 0
  for (const first of entries) {
    if (bytes <= budget.bytes && entries.length - gone <= count && now - first.at <= age) break
    gone += 1
    bytes -= first.text.length
    const floor = floors.get(first.peerNumber)
    if (floor === undefined || isGreater(first.messageNumber, floor)) {
      floors = floors.set(first.peerNumber, first.messageNumber)
    }
  }
  const oldestFloor = floors.size > mostFloors ? floors.first() : undefined
  if (oldestFloor) floors = floors.delete(oldestFloor[0])
  return { entries: gone === 0 ? entries : entries.slice(gone), bytes, floors }
}

/** What was said in the last `within` milliseconds. */
export function saidWithin(history: History, within: Millis, now: WallStamp): readonly HistoryEntry[] {
  return history.entries.filter(({ at }) => now - at <= within)
}
