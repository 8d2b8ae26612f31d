import {
  encodeMessage,
  encodePacket,
  newPeerData,
  peerNumberData,
  withConference,
} from '../wire/encode-packet.js'
import type { RealKey } from '../wire/identity.js'
import { messageIds } from '../wire/packets.js'
import { onlineConnections } from './connections.js'
import type { ConferenceTurn } from './turn.js'
import type { GroupConnection } from './types.js'

/** How often the conference hears of us at least (spec 1). */
const pingEveryMs = 20_000

/**
 * Sends a message of ours to every online connection (spec 5, T6).
 *
 * @returns its number; `null` if we are still joining or no connection is online, and then no number was used up
 */
export function sendMessage(c: ConferenceTurn, messageId: number, data: Uint8Array): number | null {
  if (c.state.phase !== 'connected') return null
  const connections = onlineConnections(c)
  if (connections.length === 0) return null
  const next = (c.state.messageNumber + 1) >>> 0
  const messageNumber = next === 0 ? 1 : next
  c.set({ messageNumber })
  const packet = encodeMessage(c.state.selfNumber, messageNumber, messageId, data)
  for (const connection of connections) copyTo(c, connection, packet)
  return messageNumber
}

/** Passes a message on unchanged, to every online connection but `except` (spec 5, T7). */
export function relay(c: ConferenceTurn, packet: Uint8Array, except: RealKey | null): void {
  for (const connection of c.state.connections) {
    if (connection.state === 'online' && connection.realKey !== except) copyTo(c, connection, packet)
  }
}

/** Says that we are still there, unless it was said less than 20 s ago (spec 5, T10.2). */
export function pingIfDue(c: ConferenceTurn): void {
  const { lastPingAt } = c.state
  if (lastPingAt !== null && lastPingAt + pingEveryMs > c.at.beat) return
  if (sendMessage(c, messageIds.ping, new Uint8Array()) !== null) c.set({ lastPingAt: c.at.beat })
}

/** Tells our name at once, or as soon as somebody can hear it. */
export function sendName(c: ConferenceTurn): void {
  const sent = sendMessage(c, messageIds.name, c.turn.machine.name) !== null
  if (c.state.needSendName === sent) c.set({ needSendName: !sent })
}

/** Tells the conference of a member: that it is new, or what its DHT key is now. */
export function sendNewPeer(c: ConferenceTurn, peerNumber: number, realKey: RealKey, dhtKey: string): void {
  sendMessage(c, messageIds.newPeer, newPeerData(peerNumber, realKey, dhtKey))
}

/** Says that we leave for good, or go for a while. */
export function sendGoodbye(c: ConferenceTurn, as: 'leave' | 'freeze'): void {
  sendMessage(c, messageIds[as], peerNumberData(c.state.selfNumber))
}

/** Says on a link that is up how we call the conference (spec 5, T11). */
export function sendOnline(c: ConferenceTurn, realKey: RealKey): void {
  const { number, identifier } = c.state
  c.turn.send(realKey, encodePacket({ kind: 'online', sender: number, identifier }))
}

/** Asks for the list of members. */
export function sendQuery(c: ConferenceTurn, realKey: RealKey, theirNumber: number): void {
  c.turn.send(realKey, encodePacket({ kind: 'peer-query', conference: theirNumber }))
}

/** Says to a frozen member that we remember it (R1). */
export function sendRejoin(c: ConferenceTurn, realKey: RealKey): void {
  c.turn.send(realKey, encodePacket({ kind: 'rejoin', identifier: c.state.identifier }))
}

function copyTo(c: ConferenceTurn, connection: GroupConnection, packet: Uint8Array): void {
  c.turn.send(connection.realKey, withConference(packet, connection.theirNumber))
}
