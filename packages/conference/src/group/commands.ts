import type { ConferenceIdentifier } from '../wire/identity.js'
import { maxNameBytes, maxPacketBytes, maxTextBytes, messageIds } from '../wire/packets.js'
import { keep } from './catch-up.js'
import type { ConferencesCommand, RefusedWhy } from './events.js'
import { accept, forgetInvitation, invitation, invite } from './invitations.js'
import { sendDatagram } from './lossy.js'
import { newConference } from './new-conference.js'
import { trimFrozen } from './peers.js'
import { takeTitle } from './receiving.js'
import { restoreConferences } from './save.js'
import { sendGoodbye, sendMessage, sendName } from './sending.js'
import { bytesOf, textOf } from './text.js'
import type { ConferenceTurn, Turn } from './turn.js'

/** Bytes of the largest datagram: a packet without its header. */
const maxDatagramBytes = maxPacketBytes - 8

/** Does what the application asks for, or says why not. */
export function command(turn: Turn, asked: ConferencesCommand): void {
  const why = attempt(turn, asked)
  if (why !== null) turn.refuse(asked.kind, why)
}

function attempt(turn: Turn, asked: ConferencesCommand): RefusedWhy | null {
  switch (asked.kind) {
    case 'create':
      return create(turn, asked.identifier)
    case 'accept':
      return takeUp(turn, asked.from, asked.identifier)
    case 'decline':
      if (!invitation(turn, asked.from, asked.identifier)) return 'no-such-invitation'
      forgetInvitation(turn, asked.from, asked.identifier)
      return null
    case 'set-name':
      return setName(turn, bytesOf(asked.name))
    case 'close':
      for (const c of turn.each()) sendGoodbye(c, 'freeze')
      return null
    case 'restore':
      restoreConferences(turn, asked.conferences, asked.memories)
      return null
    case 'invite':
    case 'say':
    case 'datagram':
    case 'set-title':
    case 'set-max-frozen':
    case 'leave': {
      const c = turn.conference(asked.conference)
      return c ? attemptIn(c, asked) : 'no-such-conference'
    }
  }
}

type InConference = Extract<ConferencesCommand, { readonly conference: number }>

function attemptIn(c: ConferenceTurn, asked: InConference): RefusedWhy | null {
  switch (asked.kind) {
    case 'invite':
      if (c.state.phase !== 'connected') return 'no-connection'
      return invite(c, asked.friend) ? null : 'no-such-friend'
    case 'say':
      return say(c, bytesOf(asked.text), asked.as)
    case 'datagram':
      if (asked.data.length > maxDatagramBytes) return 'too-long'
      return sendDatagram(c, asked.id, asked.data) ? null : 'no-connection'
    case 'set-title':
      return setTitle(c, bytesOf(asked.title))
    case 'set-max-frozen':
      if (!Number.isInteger(asked.max) || asked.max < 0) return 'no-limit'
      c.set({ maxFrozen: asked.max })
      trimFrozen(c)
      return null
    case 'leave':
      leave(c)
      return null
  }
}

function create(turn: Turn, identifier: ConferenceIdentifier): RefusedWhy | null {
  if (!/^0[01][0-9a-f]{64}$/.test(identifier)) return 'no-identifier'
  if (turn.find(identifier)) return 'known-already'
  const state = newConference(turn, identifier, 'connected')
  if (!state) return 'too-many'
  turn.add(state)
  turn.tell({ kind: 'connected', conference: state.number })
  return null
}

function takeUp(turn: Turn, from: string, identifier: ConferenceIdentifier): RefusedWhy | null {
  if (turn.find(identifier)) return 'known-already'
  const waiting = invitation(turn, from, identifier)
  if (!waiting) return 'no-such-invitation'
  if (!turn.isUp(from)) return 'no-connection'
  if (!accept(turn, waiting)) return 'too-many'
  forgetInvitation(turn, from, identifier)
  return null
}

function setName(turn: Turn, name: Uint8Array): RefusedWhy | null {
  if (name.length > maxNameBytes) return 'too-long'
  turn.set({ name })
  for (const c of turn.each()) if (c.state.phase === 'connected') sendName(c)
  return null
}

function say(c: ConferenceTurn, text: Uint8Array, as: 'chat' | 'action'): RefusedWhy | null {
  if (text.length === 0) return 'empty'
  if (text.length > maxTextBytes) return 'too-long'
  const messageId = messageIds[as]
  const messageNumber = sendMessage(c, messageId, text)
  if (messageNumber === null) return 'no-connection'
  const { selfNumber: peerNumber } = c.state
  const { realKey } = c.turn.machine
  keep(c, { realKey, peerNumber, messageNumber, messageId, text, at: c.at.stamp })
  c.turn.tell({ kind: 'sent', conference: c.number, messageNumber })
  return null
}

function setTitle(c: ConferenceTurn, title: Uint8Array): RefusedWhy | null {
  if (title.length === 0) return 'empty'
  if (title.length > maxNameBytes) return 'too-long'
  if (textOf(c.state.title) === textOf(title)) return null
  takeTitle(c, title, c.turn.machine.realKey)
  if (c.state.roster.live.size > 0) sendMessage(c, messageIds.title, title)
  return null
}

function leave(c: ConferenceTurn): void {
  sendGoodbye(c, 'leave')
  const { number, connections } = c.state
  c.turn.remove(number)
  for (const { realKey } of connections) c.turn.release(realKey, number)
}
