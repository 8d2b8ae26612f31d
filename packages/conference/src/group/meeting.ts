import { encodePacket } from '../wire/encode-packet.js'
import type { RealKey } from '../wire/identity.js'
import type { PeerEntry } from '../wire/packets.js'
import { encodePeerResponses } from '../wire/peer-list.js'
import { missedSince } from './catch-up.js'
import {
  addReason,
  connectionTo,
  dropReason,
  goConnecting,
  goOnline,
  mayTake,
  onlineConnections,
} from './connections.js'
import { freezeAll, hearOfPeer, meetPeer, namePeer, numberOf, peer, tryRejoin } from './peers.js'
import { takeTitle } from './receiving.js'
import { pingIfDue, sendName, sendNewPeer, sendOnline, sendQuery } from './sending.js'
import { textOf } from './text.js'
import type { ConferenceTurn, Turn } from './turn.js'
import type { GroupConnection } from './types.js'

/** Peer Queries answered, per connection and second. */
const answersPerSecond = 4

/** How often at most we tell everybody what a short interruption may have swallowed. */
const repairEveryMs = 60_000

/** A friend connection came up: first we ask the frozen to take us in, then we greet (spec 5, T11). */
export function linkUp(turn: Turn, realKey: RealKey, dhtKey: string): void {
  if (turn.isUp(realKey)) linkDown(turn, realKey)
  turn.set({ links: turn.machine.links.set(realKey, { dhtKey }) })
  for (const c of turn.each()) {
    const number = numberOf(c, realKey)
    if (number !== null && c.state.roster.frozen.has(number)) tryRejoin(c, realKey)
  }
  for (const c of turn.each()) {
    if (connectionTo(c, realKey)) sendOnline(c, realKey)
  }
}

/** A friend connection went down. A conference with no other that is online is on its own at once (R7). */
export function linkDown(turn: Turn, realKey: RealKey): void {
  turn.set({ links: turn.machine.links.delete(realKey) })
  for (const c of turn.each()) {
    const connection = connectionTo(c, realKey)
    if (!connection) continue
    goConnecting(c, connection)
    if (onlineConnections(c).length === 0) freezeAll(c)
  }
}

/** The other side of a connection says how it calls the conference (spec 5, T12). */
export function receiveOnline(c: ConferenceTurn, connection: GroupConnection, theirNumber: number): void {
  if (connection.state === 'online') return
  const { realKey, reasons } = connection
  if (onlineConnections(c).length === 0 || reasons.introducer) sendQuery(c, realKey, theirNumber)
  goOnline(c, connection, theirNumber)
  sendOnline(c, realKey)
  if (reasons.introducing) introduce(c, realKey)
  else if (connection.downSince !== null && !reasons.introducer) repair(c)
  if (connection.downSince !== null) missedSince(c, realKey, connection.downSince)
  pingIfDue(c)
}

/** We tell the conference of a member that came back through us (R19). */
function introduce(c: ConferenceTurn, realKey: RealKey): void {
  const peerNumber = numberOf(c, realKey)
  const dhtKey = c.turn.provenDhtKey(realKey)
  if (peerNumber !== null && dhtKey !== null) sendNewPeer(c, peerNumber, realKey, dhtKey)
  c.set({ needSendName: true })
}

/** What the other side may have missed although nobody was frozen: our name and DHT key (spec 8.1, E1). */
function repair(c: ConferenceTurn): void {
  const { repairedAt, selfNumber, phase } = c.state
  const isTooEarly = repairedAt !== null && repairedAt + repairEveryMs > c.at.beat
  if (!c.turn.context.rules.repair || phase !== 'connected' || isTooEarly) return
  const { realKey, dhtKey } = c.turn.machine
  sendNewPeer(c, selfNumber, realKey, dhtKey)
  sendName(c)
  c.set({ repairedAt: c.at.beat })
}

/** A member wants to come back through us (R9, R18). */
export function receiveRejoin(c: ConferenceTurn, realKey: RealKey): void {
  const peerNumber = numberOf(c, realKey)
  const dhtKey = c.turn.provenDhtKey(realKey)
  if (peerNumber === null || dhtKey === null) return
  meetPeer(c, { peerNumber, realKey, dhtKey }, 'rejoin')
  if (addReason(c, realKey, 'introducing')) sendOnline(c, realKey)
}

/** The other side hears us without our help now (spec 5, T13). */
export function receiveIntroduced(c: ConferenceTurn, connection: GroupConnection): void {
  dropReason(c, connection.realKey, 'introducing')
}

/** Somebody asks who is in: all live members with ourselves, then the title (spec 5, T4). */
export function answerQuery(c: ConferenceTurn, { realKey, state, theirNumber }: GroupConnection): void {
  if (state !== 'online' || !mayTake(c, realKey, 'answers', answersPerSecond)) return
  for (const packet of encodePeerResponses(theirNumber, liveEntries(c))) c.turn.send(realKey, packet)
  const { title } = c.state
  if (title.length > 0) {
    c.turn.send(realKey, encodePacket({ kind: 'title-response', conference: theirNumber, title }))
  }
}

/** Ourselves, and everybody who is live (R5). */
function* liveEntries(c: ConferenceTurn): Generator<PeerEntry> {
  const { realKey, dhtKey, name } = c.turn.machine
  if (c.state.phase === 'connected') yield { peerNumber: c.state.selfNumber, realKey, dhtKey, name }
  for (const [peerNumber, { value }] of c.state.roster.live) {
    yield { peerNumber, realKey: value.realKey, dhtKey: value.dhtKey, name: value.name }
  }
}

/** Somebody says who is in (spec 5, T5). */
export function receivePeerResponse(c: ConferenceTurn, entries: readonly PeerEntry[]): void {
  for (const entry of entries) {
    if (entry.realKey === c.turn.machine.realKey) {
      if (c.state.phase === 'joining') connect(c, entry.peerNumber)
      continue
    }
    if (!hearOfPeer(c, entry)) continue
    const known = peer(c, entry.peerNumber)
    // An empty name is no name: another answer may have one (U6).
    if (known && !known.nameKnown && entry.name.length > 0) namePeer(c, entry.peerNumber, entry.name)
  }
}

/** We have a number, and are a member. */
function connect(c: ConferenceTurn, selfNumber: number): void {
  c.set({ phase: 'connected', selfNumber, needSendName: true })
  c.turn.tell({ kind: 'connected', conference: c.number })
}

/** Somebody says what the title is: believed only if ours is not fresh (R22). */
export function receiveTitleResponse(c: ConferenceTurn, from: RealKey, title: Uint8Array): void {
  if (!c.state.titleFresh) {
    takeTitle(c, title, null)
    return
  }
  const text = textOf(title)
  if (text === textOf(c.state.title)) return
  c.turn.tell({ kind: 'title-conflict', conference: c.number, title: text, from })
}
