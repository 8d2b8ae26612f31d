import { encodeLossy, withConference } from '../wire/encode-packet.js'
import { conferenceType } from '../wire/identity.js'
import type { LossyPacket } from '../wire/packets.js'
import { ringDistance } from './closest.js'
import { onlineConnections } from './connections.js'
import { rememberLossy } from './lossy-window.js'
import { updatePeer } from './peers.js'
import type { ConferenceTurn } from './turn.js'
import type { GroupConnection } from './types.js'

/** A datagram came, of which only audio conferences know; it is passed on before it is used (spec 5, T17). */
export function receiveLossy(
  c: ConferenceTurn,
  via: GroupConnection,
  packet: LossyPacket,
  bytes: Uint8Array,
): void {
  const author = c.state.roster.live.get(packet.author)?.value
  if (conferenceType(c.state.identifier) !== 'audio' || author === undefined) return
  const lossy = rememberLossy(author.lossy, packet.lossyNumber)
  if (lossy === null) return
  updatePeer(c, packet.author, { lossy })
  sendCopies(c, bytes, via.realKey)
  const { messageId: id, data } = packet
  c.turn.tell({ kind: 'datagram', conference: c.number, from: author.realKey, id, data })
}

/** Sends a datagram of ours. False if we are still joining, no connection is online, or it is a text conference. */
export function sendDatagram(c: ConferenceTurn, id: number, data: Uint8Array): boolean {
  if (c.state.phase !== 'connected' || conferenceType(c.state.identifier) !== 'audio') return false
  if (onlineConnections(c).length === 0) return false
  const { lossyNumber } = c.state
  c.set({ lossyNumber: (lossyNumber + 1) & 0xffff })
  sendCopies(c, encodeLossy(c.state.selfNumber, lossyNumber, id, data), null)
  return true
}

/** To all who are not among the closest, and to the nearest of the closest on either side. */
function sendCopies(c: ConferenceTurn, packet: Uint8Array, except: string | null): void {
  const others = onlineConnections(c).filter(({ realKey }) => realKey !== except)
  const closest = others.filter(({ reasons }) => reasons.closest)
  const self = c.turn.machine.realKey
  const chosen = new Set([
    ...others.filter(({ reasons }) => !reasons.closest),
    ...nearest(closest, (key) => ringDistance(self, key)),
    ...nearest(closest, (key) => ringDistance(key, self)),
  ])
  for (const { realKey, theirNumber } of chosen)
    c.turn.sendLossy(realKey, withConference(packet, theirNumber))
}

function nearest(
  connections: readonly GroupConnection[],
  distance: (key: string) => bigint,
): readonly GroupConnection[] {
  const first = connections[0]
  if (!first) return []
  const closer = (a: GroupConnection, b: GroupConnection): GroupConnection =>
    distance(b.realKey) < distance(a.realKey) ? b : a
  return [connections.reduce(closer, first)]
}
