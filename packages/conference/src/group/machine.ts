import { SortedMap, type Step } from '@holdfast/core'
import { decodePacket } from '../wire/decode-packet.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { ConferencePacket } from '../wire/packets.js'
import { missedSince, receiveExtension } from './catch-up.js'
import { command } from './commands.js'
import { connectionTo } from './connections.js'
import type { ConferencesEffect, ConferencesInput } from './events.js'
import { receiveAccept, receiveInvite } from './invitations.js'
import { iterate } from './iterate.js'
import { receiveLossy } from './lossy.js'
import {
  answerQuery,
  linkDown,
  linkUp,
  receiveIntroduced,
  receiveOnline,
  receivePeerResponse,
  receiveRejoin,
  receiveTitleResponse,
} from './meeting.js'
import { updatePeer } from './peers.js'
import { receiveMessage } from './receiving.js'
import { Turn } from './turn.js'
import type { ConferencesContext, ConferencesMachine } from './types.js'

/** Who we are. */
export interface Self {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
}

/** A peer that is in no conference, and knows of no links. */
export function emptyConferences({ realKey, dhtKey }: Self): ConferencesMachine {
  return {
    realKey,
    dhtKey,
    name: new Uint8Array(),
    links: new SortedMap(),
    friends: new SortedMap(),
    conferences: new SortedMap(),
    invitations: [],
  }
}

/**
 * All conferences of one peer as a pure machine: packets, link events, commands and ticks in, packets, wishes for
 * links and news out (spec 2 to 7).
 *
 * Effects are to be carried out in their order. An event that means nothing returns the very same state.
 */
export function conferencesStep(
  state: ConferencesMachine,
  input: ConferencesInput,
  context: ConferencesContext,
): Step<ConferencesMachine, ConferencesEffect> {
  const turn = new Turn(state, context)
  take(turn, input)
  return { state: turn.machine, effects: turn.effects }
}

function take(turn: Turn, input: ConferencesInput): void {
  switch (input.kind) {
    case 'link-up': {
      linkUp(turn, input.realKey, input.dhtKey)
      return
    }
    case 'link-down':
      if (turn.isUp(input.realKey)) linkDown(turn, input.realKey)
      return
    case 'packet': {
      // Bytes of a link that we have let go of may still come.
      const packet = turn.isUp(input.from) ? decodePacket(input.bytes) : null
      if (!packet) return
      receive(turn, input.from, packet, input.bytes)
      noteMissed(turn, input.from)
      return
    }
    case 'friend': {
      befriend(turn, input.realKey, input.is)
      return
    }
    case 'tick':
      for (const c of turn.each()) iterate(c)
      return
    default: {
      command(turn, input)
      return
    }
  }
}

function befriend(turn: Turn, realKey: RealKey, is: 'online' | 'offline' | 'none'): void {
  const { friends, links } = turn.machine
  turn.set({ friends: is === 'none' ? friends.delete(realKey) : friends.set(realKey, is) })
  for (const c of turn.each()) {
    const number = c.state.numbers.get(realKey)
    if (number !== undefined) updatePeer(c, number, { isFriend: is !== 'none' })
  }
  if (!turn.isWanted(realKey)) turn.set({ links: links.delete(realKey) })
}

function receive(turn: Turn, from: RealKey, packet: ConferencePacket, bytes: Uint8Array): void {
  switch (packet.kind) {
    case 'invite': {
      receiveInvite(turn, from, packet)
      return
    }
    case 'invite-accept':
    case 'invite-member': {
      receiveAccept(turn, from, packet)
      return
    }
    case 'online': {
      const c = turn.find(packet.identifier)
      const connection = c && connectionTo(c, from)
      if (connection) receiveOnline(c, connection, packet.sender)
      return
    }
    case 'rejoin': {
      const c = turn.find(packet.identifier)
      if (c) receiveRejoin(c, from)
      return
    }
    case 'peer-introduced':
    case 'peer-query':
    case 'peer-response':
    case 'title-response':
    case 'extension':
    case 'message':
    case 'lossy': {
      receiveIn(turn, from, packet, bytes)
      return
    }
  }
}

type AddressedPacket = Extract<ConferencePacket, { readonly conference: number }>

/** Packets that name the conference by our number, from one of its connections. */
function receiveIn(turn: Turn, from: RealKey, packet: AddressedPacket, bytes: Uint8Array): void {
  const c = turn.conference(packet.conference)
  const connection = c && connectionTo(c, from)
  if (!connection) return
  switch (packet.kind) {
    case 'peer-introduced': {
      receiveIntroduced(c, connection)
      return
    }
    case 'peer-query': {
      answerQuery(c, connection)
      return
    }
    case 'peer-response': {
      receivePeerResponse(c, packet.entries)
      return
    }
    case 'title-response':
      if (packet.title.length > 0 && packet.title.length <= 128) receiveTitleResponse(c, from, packet.title)
      return
    case 'message': {
      receiveMessage(c, connection, packet, bytes)
      return
    }
    case 'lossy': {
      receiveLossy(c, connection, packet, bytes)
      return
    }
    case 'extension': {
      receiveExtension(c, connection, packet.id, packet.data)
      return
    }
  }
}

/** Whoever thawed was away, or we were: the peer through whom we know may tell what was said. */
function noteMissed(turn: Turn, via: RealKey): void {
  for (const c of turn.visited) if (c.thawedSince !== null) missedSince(c, via, c.thawedSince)
}
