import { decodeExtension, encodeExtension, type LateMessage, maxLateTextBytes } from '../wire/extension.js'
import { messageIds } from '../wire/packets.js'
import { changeConnection, connectionTo, onlineConnections } from './connections.js'
import { addToHistory, type HistoryEntry, isHeld, isKnown, saidWithin } from './history.js'
import { isGreater } from './message-window.js'
import { peer } from './peers.js'
import { textOf } from './text.js'
import type { ConferenceTurn } from './turn.js'
import type { GroupConnection } from './types.js'

/** How often one connection is told what it has missed. */
const answerEveryMs = 10_000
/** A member was frozen, or a link found dead, this long after it was last heard, at most. */
const noticedWithinMs = 70_000
const minuteMs = 60_000

/** What was said over a link between us and a member, live or late, is held for those who missed it. */
export function keep(c: ConferenceTurn, entry: HistoryEntry): void {
  const { history: budget } = c.turn.context.rules
  if (budget !== null) c.set({ history: addToHistory(c.state.history, entry, budget, c.at.stamp) })
}

/**
 * Whether what is heard live was told before as missed. Floors do not count: whoever forged one with a great number would
 * silence its author.
 */
export function wasTold(c: ConferenceTurn, author: number, messageNumber: number): boolean {
  return isHeld(c.state.history, author, messageNumber)
}

/**
 * Something may have been missed since `stamp`: whoever is at the other end of the connection shall tell. Asked once
 * it is online and has said that it understands; not again what was asked already.
 */
export function missedSince(c: ConferenceTurn, realKey: string, stamp: number): void {
  const connection = connectionTo(c, realKey)
  if (!connection || c.turn.context.rules.history === null) return
  const { askedSince, missedSince: already } = connection.catchUp
  const since = Math.min(stamp - noticedWithinMs, already ?? Infinity)
  if (askedSince !== null && askedSince <= since) return
  changeConnection(c, connection, { catchUp: { ...connection.catchUp, missedSince: since } })
}

/** Asks those who can tell. */
export function askForMissed(c: ConferenceTurn): void {
  for (const connection of onlineConnections(c)) {
    const { understands, missedSince: since } = connection.catchUp
    if (!understands || since === null) continue
    const seconds = Math.min(0xffff_ffff, Math.ceil((c.at.stamp - since) / 1000))
    c.turn.send(connection.realKey, encodeExtension(connection.theirNumber, { kind: 'ask', seconds }))
    c.turn.tell({ kind: 'catch-up', conference: c.number, with: connection.realKey, did: 'asked' })
    const catchUp = { ...connection.catchUp, missedSince: null, askedSince: since }
    changeConnection(c, connection, { catchUp })
  }
}

/** Another peer of this software says something. */
export function receiveExtension(
  c: ConferenceTurn,
  connection: GroupConnection,
  id: number,
  data: Uint8Array,
): void {
  if (c.turn.context.rules.history === null) return
  const extension = decodeExtension(id, data)
  if (extension === null) return
  const known = understanding(c, connection)
  if (extension.kind === 'ask') tellMissed(c, known, extension.seconds)
  else if (extension.kind === 'late') takeLate(c, known, extension)
}

function understanding(c: ConferenceTurn, connection: GroupConnection): GroupConnection {
  if (connection.catchUp.understands) return connection
  return changeConnection(c, connection, { catchUp: { ...connection.catchUp, understands: true } })
}

function tellMissed(c: ConferenceTurn, connection: GroupConnection, seconds: number): void {
  const { answeredAt } = connection.catchUp
  if (connection.state !== 'online') return
  if (answeredAt !== null && c.at.beat - answeredAt < answerEveryMs) return
  changeConnection(c, connection, { catchUp: { ...connection.catchUp, answeredAt: c.at.beat } })
  for (const entry of saidWithin(c.state.history, seconds * 1000, c.at.stamp)) tellLate(c, connection, entry)
  c.turn.tell({ kind: 'catch-up', conference: c.number, with: connection.realKey, did: 'answered' })
}

function tellLate(c: ConferenceTurn, connection: GroupConnection, entry: HistoryEntry): void {
  const { peerNumber: author, messageNumber, messageId, text, at } = entry
  // Peer numbers are used again; and the author knows.
  const owner = c.isSelf(author) ? c.turn.machine.realKey : peer(c, author)?.realKey
  if (owner !== entry.realKey || owner === connection.realKey || text.length > maxLateTextBytes) return
  const age = Math.min(0xffff, Math.max(0, Math.floor((c.at.stamp - at) / minuteMs)))
  const late: LateMessage = { kind: 'late', author, messageNumber, messageId, age, text }
  c.turn.send(connection.realKey, encodeExtension(connection.theirNumber, late))
}

/** Whether the author said it after what an earlier process of ours, a member then, had heard of it. */
function isSinceRestart(c: ConferenceTurn, author: number, messageNumber: number): boolean {
  const heard = c.state.heardBefore.get(author)
  return heard !== undefined && isGreater(messageNumber, heard)
}

/** Something that we had missed is told, held, and told on to those who may have missed it with us. */
function takeLate(c: ConferenceTurn, via: GroupConnection, late: LateMessage): void {
  const { author, messageNumber, messageId, text, age } = late
  const realKey = peer(c, author)?.realKey
  if (realKey === undefined || c.isSelf(author) || isKnown(c.state.history, author, messageNumber)) return
  const at = c.at.stamp - age * minuteMs
  if (at < c.state.memberSince && !isSinceRestart(c, author, messageNumber)) return
  const entry: HistoryEntry = { realKey, peerNumber: author, messageNumber, messageId, text, at }
  keep(c, entry)
  const as = messageId === messageIds.action ? 'action' : 'chat'
  const news = { conference: c.number, from: realKey, text: textOf(text), as, messageNumber } as const
  c.turn.tell({ kind: 'message', ...news, late: { minutes: age } })
  for (const connection of onlineConnections(c)) {
    if (connection.catchUp.understands && connection.realKey !== via.realKey) tellLate(c, connection, entry)
  }
}
