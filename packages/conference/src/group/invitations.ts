import { encodePacket } from '../wire/encode-packet.js'
import { type ConferenceIdentifier, type RealKey } from '../wire/identity.js'
import type { ConferencePacket } from '../wire/packets.js'
import { addReason, goOnline } from './connections.js'
import { newConference } from './new-conference.js'
import { meetPeer, peer } from './peers.js'
import { sendNewPeer, sendQuery } from './sending.js'
import type { ConferenceTurn, Turn } from './turn.js'
import type { Invitation } from './types.js'

/** Invitations of one friend that wait for an answer; a further one takes the place of the oldest. */
const invitationsPerFriend = 16

/** How often a free peer number is looked for (spec 5, T3). */
const tries = 33

type InvitePacket = Extract<ConferencePacket, { readonly kind: 'invite' }>
type AcceptPacket = Extract<ConferencePacket, { readonly kind: 'invite-accept' | 'invite-member' }>

/** Asks a friend to come in (spec 5, T2). False if it is not online as a friend. */
export function invite(c: ConferenceTurn, friend: RealKey): boolean {
  const { turn, state } = c
  if (turn.machine.friends.get(friend) !== 'online' || !turn.isUp(friend)) return false
  c.set({ invited: state.invited.set(friend, true) })
  turn.send(friend, encodePacket({ kind: 'invite', sender: state.number, identifier: state.identifier }))
  return true
}

/** A friend invites us: the application decides, unless we are in already and can heal a split (spec 5, T2; L4). */
export function receiveInvite(turn: Turn, from: RealKey, packet: InvitePacket): void {
  if (turn.machine.friends.get(from) !== 'online') return
  const c = turn.find(packet.identifier)
  if (c?.state.phase === 'connected') {
    answerAsMember(c, from, packet.sender)
    return
  }
  if (c) return
  const { identifier, sender: theirNumber } = packet
  const others = withoutInvitation(turn, from, identifier)
  const ofFriend = others.filter((invitation) => invitation.from === from)
  const oldest = ofFriend.length >= invitationsPerFriend ? ofFriend[0] : undefined
  const kept = others.filter((invitation) => invitation !== oldest)
  turn.set({ invitations: [...kept, { from, identifier, theirNumber }] })
  turn.tell({ kind: 'invited', from, identifier })
}

/** The invitation, if it still waits. */
export function invitation(turn: Turn, from: RealKey, identifier: ConferenceIdentifier): Invitation | null {
  const isIt = (one: Invitation): boolean => one.from === from && one.identifier === identifier
  return turn.machine.invitations.find(isIt) ?? null
}

/** Takes it off the list. */
export function forgetInvitation(turn: Turn, from: RealKey, identifier: ConferenceIdentifier): void {
  turn.set({ invitations: withoutInvitation(turn, from, identifier) })
}

/** Goes in: the inviter will tell us our number (spec 5, T3). False if there is no number free for the conference. */
export function accept(turn: Turn, { from, identifier, theirNumber }: Invitation): boolean {
  const state = newConference(turn, identifier, 'joining')
  if (!state) return false
  const c = turn.add(state)
  const packet = { kind: 'invite-accept', sender: c.number, receiver: theirNumber, identifier } as const
  turn.send(from, encodePacket(packet))
  const connection = addReason(c, from, 'introducer')
  if (connection) goOnline(c, connection, theirNumber)
  sendQuery(c, from, theirNumber)
  return true
}

/** A friend takes our invitation up, or says that it is a member already (spec 5, T3; L4). */
export function receiveAccept(turn: Turn, from: RealKey, packet: AcceptPacket): void {
  const c = turn.conference(packet.receiver)
  const dhtKey = turn.provenDhtKey(from)
  if (c?.state.identifier !== packet.identifier || c.state.phase !== 'connected' || dhtKey === null) return
  // Knowing the identifier would be enough otherwise (spec 8).
  if (!c.state.invited.has(from)) return
  const peerNumber = packet.kind === 'invite-member' ? packet.peerNumber : freePeerNumber(c)
  if (peerNumber === null || !meetPeer(c, { peerNumber, realKey: from, dhtKey }, 'invitation')) return
  c.set({ invited: c.state.invited.delete(from) })
  addReason(c, from, 'introducing')
  const connection =
    packet.kind === 'invite-member' ? addReason(c, from, 'introducer') : addReason(c, from, 'introducing')
  if (packet.kind === 'invite-member') sendQuery(c, from, packet.sender)
  if (connection) goOnline(c, connection, packet.sender)
  sendNewPeer(c, peerNumber, from, dhtKey)
}

/** We are in the conference that we are invited to, and the inviter did not know: both ask each other who is in (L4). */
function answerAsMember(c: ConferenceTurn, from: RealKey, theirNumber: number): void {
  const { identifier, selfNumber: peerNumber } = c.state
  const sender = c.number
  c.turn.send(
    from,
    encodePacket({ kind: 'invite-member', sender, receiver: theirNumber, identifier, peerNumber }),
  )
  addReason(c, from, 'introducer')
  const connection = addReason(c, from, 'introducing')
  if (connection) goOnline(c, connection, theirNumber)
  sendQuery(c, from, theirNumber)
}

function freePeerNumber(c: ConferenceTurn): number | null {
  for (let left = tries; left > 0; left -= 1) {
    const number = Math.floor(c.turn.context.random() * 0x1_0000)
    if (!c.isSelf(number) && peer(c, number) === null) return number
  }
  return null
}

function withoutInvitation(
  turn: Turn,
  from: RealKey,
  identifier: ConferenceIdentifier,
): readonly Invitation[] {
  return turn.machine.invitations.filter((one) => one.from !== from || one.identifier !== identifier)
}
