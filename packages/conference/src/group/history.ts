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
  /** By turn: the first that is held has the smallest. */
  readonly entries: SortedMap<number, HistoryEntry>
  /** Turns, by what makes an entry what it is. */
  readonly turns: SortedMap<number, number>
  /** Turn of the next entry. */
  readonly next: number
  /** Bytes of all texts. */
  readonly bytes: number
  /** For each peer number, the greatest message number that is no longer held: nothing up to it is taken again. */
  readonly floors: SortedMap<number, number>
}

/** Nothing was said yet. */
export const noHistory: History = {
  entries: new SortedMap(),
  turns: new SortedMap(),
  next: 0,
  bytes: 0,
  floors: new SortedMap(),
}

/** How many peer numbers a history remembers floors of. */
const mostFloors = 1024

/** Whether it is held. */
export function isHeld(history: History, peerNumber: number, messageNumber: number): boolean {
  return history.turns.has(identityOf({ peerNumber, messageNumber }))
}

/** Whether it was heard before: it is held, or older than what is held of its author. */
export function isKnown(history: History, peerNumber: number, messageNumber: number): boolean {
  const floor = history.floors.get(peerNumber)
  if (floor !== undefined && !isGreater(messageNumber, floor)) return true
  return isHeld(history, peerNumber, messageNumber)
}

/** Holds one more; the first heard go when there are too many, too large or too old. */
export function addToHistory(history: History, entry: HistoryEntry, budget: Budget, now: WallStamp): History {
  const { age = Infinity, count = Infinity } = budget
  let { entries, turns, bytes, floors } = hold(history, entry)
  for (let first = entries.first(); first !== undefined; first = entries.first()) {
    const [turn, oldest] = first
    if (bytes <= budget.bytes && entries.size <= count && now - oldest.at <= age) break
    entries = entries.delete(turn)
    turns = turns.delete(identityOf(oldest))
    bytes -= oldest.text.length
    const floor = floors.get(oldest.peerNumber)
    if (floor === undefined || isGreater(oldest.messageNumber, floor)) {
      floors = floors.set(oldest.peerNumber, oldest.messageNumber)
    }
  }
  const oldestFloor = floors.size > mostFloors ? floors.first() : undefined
  if (oldestFloor) floors = floors.delete(oldestFloor[0])
  return { entries, turns, next: history.next + 1, bytes, floors }
}

/** The history that was saved as entries in their order, with the floors below them. */
export function historyOf(
  entries: readonly HistoryEntry[],
  floors: readonly (readonly [number, number])[],
): History {
  return entries.reduce(hold, { ...noHistory, floors: numbersOf(floors) })
}

/** Numbers by number, as they are kept on disk. */
export function numbersOf(pairs: readonly (readonly [number, number])[]): SortedMap<number, number> {
  return pairs.reduce((map, [key, value]) => map.set(key, value), new SortedMap<number, number>())
}

/** What was said in the last `within` milliseconds. */
export function saidWithin(history: History, within: Millis, now: WallStamp): readonly HistoryEntry[] {
  return Array.from(history.entries.values()).filter(({ at }) => now - at <= within)
}

function hold(history: History, entry: HistoryEntry): History {
  const { entries, turns, next, bytes, floors } = history
  return {
    entries: entries.set(next, entry),
    turns: turns.set(identityOf(entry), next),
    next: next + 1,
    bytes: bytes + entry.text.length,
    floors,
  }
}

/** 16 bits of peer number and 32 of message number, as one. */
function identityOf({
  peerNumber,
  messageNumber,
}: Pick<HistoryEntry, 'peerNumber' | 'messageNumber'>): number {
  return peerNumber * 2 ** 32 + messageNumber
}
