import { encodePacket } from '../wire/encode-packet.js'
import { hex } from '../wire/identity.js'
import { type MessageBody, type MessagePacket, messageIds } from '../wire/packets.js'
import { keep, wasTold } from './catch-up.js'
import { closestWanted } from './closest.js'
import { connectionTo, dropReason, mayTake, onlineConnections } from './connections.js'
import { isGreater, remember } from './message-window.js'
import { freezePeer, meetPeer, namePeer, noteActive, peer, removePeer, updatePeer } from './peers.js'
import { relay, sendQuery } from './sending.js'
import { textOf } from './text.js'
import type { ConferenceTurn } from './turn.js'
import type { GroupConnection } from './types.js'

/** Peer Queries about unknown authors, per connection and second. */
const queriesPerSecond = 1

/**
 * A message came on one of the conference's connections (spec 5, T7): its author is active, and it is acted upon and
 * passed on, unless it was seen before.
 */
export function receiveMessage(
  c: ConferenceTurn,
  via: GroupConnection,
  packet: MessagePacket,
  bytes: Uint8Array,
): void {
  const { author, messageNumber, messageId } = packet
  if (c.isSelf(author)) {
    receiveOwn(c, via, packet, bytes)
    return
  }
  if (!isHeard(c, via, packet)) return
  const { realKey } = peer(c, author) ?? {}
  if (realKey === undefined) return
  if (isImpostor(c, via, packet, realKey)) return
  endIntroductions(c, via, realKey)
  const recent = remember(peer(c, author)?.recent ?? [], messageNumber, messageId)
  if (recent === null) return
  updatePeer(c, author, { recent })
  // The author has no other way to see its own message if it has but one connection.
  if (act(c, packet, realKey)) relay(c, bytes, via.realKey === realKey ? null : via.realKey)
}

/** A message in our own name: it came back, or somebody else wrote it (spec 8). */
function receiveOwn(c: ConferenceTurn, via: GroupConnection, packet: MessagePacket, bytes: Uint8Array): void {
  const { messageNumber, messageId, body } = packet
  const isGoodbye = body.kind === 'leave' || body.kind === 'freeze'
  if (isGreater(messageNumber, c.state.messageNumber) || isGoodbye) {
    c.turn.tell({ kind: 'spoofed', conference: c.number, via: via.realKey })
    return
  }
  const echoed = remember(c.state.echoed, messageNumber, messageId)
  if (echoed === null) return
  c.set({ echoed })
  if (body.kind === 'malformed' || body.kind === 'unknown') return
  if (body.kind === 'chat' || body.kind === 'action') {
    c.turn.tell({ kind: 'echoed', conference: c.number, messageNumber })
  }
  relay(c, bytes, via.realKey)
}

/** Whether the author is a member that may be heard; one that is frozen thaws, unless it says that it goes. */
function isHeard(c: ConferenceTurn, via: GroupConnection, { author, messageId }: MessagePacket): boolean {
  if (messageId === messageIds.freeze) return c.state.roster.live.has(author)
  if (noteActive(c, author, 'message')) return true
  // Whoever passed this on knows its author (R15).
  if (via.state === 'online' && mayTake(c, via.realKey, 'queries', queriesPerSecond)) {
    sendQuery(c, via.realKey, via.theirNumber)
  }
  return false
}

/** A goodbye that others bring although its author could have said it to us directly (spec 8). */
function isImpostor(
  c: ConferenceTurn,
  via: GroupConnection,
  { messageId }: MessagePacket,
  author: string,
): boolean {
  if (messageId !== messageIds.leave && messageId !== messageIds.freeze) return false
  return via.realKey !== author && connectionTo(c, author)?.state === 'online'
}

/** Whose messages reach us through others needs no introducing connection to us any more (spec 5, T7.2). */
function endIntroductions(c: ConferenceTurn, via: GroupConnection, author: string): void {
  const introducer = connectionTo(c, author)
  if (!introducer?.reasons.introducer || via.realKey === author) return
  if (onlineConnections(c).length <= closestWanted) return
  if (introducer.state === 'online') {
    c.turn.send(author, encodePacket({ kind: 'peer-introduced', conference: introducer.theirNumber }))
  }
  dropReason(c, author, 'introducer')
}

/** @returns whether the message is to be passed on */
function act(c: ConferenceTurn, packet: MessagePacket, realKey: string): boolean {
  const { author, body } = packet
  switch (body.kind) {
    case 'ping':
      return true
    case 'new-peer':
      // Ours is the last word on ourselves.
      return isUs(c, body.peerNumber, body.realKey) || meetPeer(c, body, 'new-peer')
    case 'leave':
      if (body.peerNumber === author) removePeer(c, author)
      return body.peerNumber === author
    case 'freeze':
      if (body.peerNumber === author) freezePeer(c, author, 'said-so')
      return body.peerNumber === author
    case 'name':
      namePeer(c, author, body.name)
      return true
    case 'title':
      takeTitle(c, body.title, realKey)
      return true
    case 'chat':
    case 'action':
      hear(c, packet, realKey, body)
      return true
    case 'malformed':
    case 'unknown':
      return false
  }
}

/** Tells what was said, unless it was told before as missed. */
function hear(
  c: ConferenceTurn,
  { author, messageNumber }: MessagePacket,
  from: string,
  { kind: as, text }: Extract<MessageBody, { readonly text: Uint8Array }>,
): void {
  if (wasTold(c, author, messageNumber)) return
  const messageId = messageIds[as]
  keep(c, { realKey: from, peerNumber: author, messageNumber, messageId, text, at: c.at.stamp })
  const { number: conference } = c
  c.turn.tell({ kind: 'message', conference, from, text: textOf(text), as, messageNumber, late: null })
}

/** The title is this from now on, and fresh (spec 5, T16; R22). */
export function takeTitle(c: ConferenceTurn, title: Uint8Array, by: string | null): void {
  const isSame = hex(c.state.title) === hex(title)
  if (!isSame || !c.state.titleFresh) c.set({ title, titleFresh: true })
  if (!isSame) c.turn.tell({ kind: 'title', conference: c.number, title: textOf(title), by })
}

function isUs(c: ConferenceTurn, peerNumber: number, realKey: string): boolean {
  return c.isSelf(peerNumber) && realKey === c.turn.machine.realKey
}
