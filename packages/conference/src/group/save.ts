import type { WallStamp } from '@holdfast/core'
import type { SavedConference, SavedPeer } from '../wire/conferences-section.js'
import type { ConferenceNews } from './events.js'
import { numbersOf } from './history.js'
import { type ConferenceMemory, rememberedHistory } from './memory.js'
import { defaultMaxFrozen, newConference } from './new-conference.js'
import { restorePeers } from './peers.js'
import type { Turn } from './turn.js'
import type { Conference, ConferencesMachine, Peer } from './types.js'

/** What is skipped, so that nobody takes us for repeating ourselves after a crash (spec 9). */
const messageNumberReserve = 65_536
const lossyNumberReserve = 8192

const worthSaving = new Set<ConferenceNews['kind']>([
  'opened',
  'connected',
  'joined',
  'left',
  'title',
  'frozen',
  'message',
  'sent',
])

/** Whether a program should save at once after this, lest a crash forget who is a member, or what was told. */
export function isWorthSaving({ kind }: ConferenceNews): boolean {
  return worthSaving.has(kind)
}

/** What is to be written into the save file: all conferences that we are in, with everybody, live or frozen (R23). */
export function savedConferences(machine: ConferencesMachine): SavedConference[] {
  return Array.from(machine.conferences.values())
    .filter(({ phase }) => phase === 'connected')
    .map(saved)
}

function saved(conference: Conference): SavedConference {
  const { live, frozen } = conference.roster
  return {
    identifier: conference.identifier,
    messageNumber: (conference.messageNumber + messageNumberReserve) >>> 0,
    lossyNumber: (conference.lossyNumber + lossyNumberReserve) & 0xffff,
    peerNumber: conference.selfNumber,
    title: conference.title,
    peers: [...live, ...frozen].map(([peerNumber, { value, lastActive }]): SavedPeer => {
      const { realKey, dhtKey, name } = value
      return { realKey, dhtKey, name, peerNumber, lastActive: Math.floor(lastActive / 1000) }
    }),
  }
}

/** Everything an earlier process knew, everybody frozen (R24). A conference that we are in already is left as it is. */
export function restoreConferences(
  turn: Turn,
  conferences: readonly SavedConference[],
  memories: readonly ConferenceMemory[] = [],
): void {
  for (const one of conferences) {
    const memory = memories.find(({ identifier }) => identifier === one.identifier)
    if (!turn.find(one.identifier)) restore(turn, one, memory)
  }
}

function restore(turn: Turn, one: SavedConference, memory?: ConferenceMemory): void {
  const state = newConference(turn, one.identifier, 'connected')
  if (!state) return
  const now = turn.at.stamp
  const c = turn.add({
    ...state,
    selfNumber: one.peerNumber,
    title: one.title,
    messageNumber: memory?.exact?.messageNumber ?? one.messageNumber,
    lossyNumber: memory?.exact?.lossyNumber ?? one.lossyNumber,
    // Nobody knows without a memory, nor where the clock was set back; it was before this start.
    memberSince: memory && !isAhead(one, memory, now) ? memory.memberSince : 0,
    heardBefore: numbersOf(memory?.heard ?? []),
    restoredAt: now,
    history: memory ? rememberedHistory(memory, now) : state.history,
    maxFrozen: Math.max(defaultMaxFrozen, one.peers.length),
  })
  const members = new Map<number, { value: Peer; lastActive: number }>()
  const keys = new Set([turn.machine.realKey])
  for (const peer of one.peers) {
    const { realKey, peerNumber, dhtKey, name } = peer
    if (members.has(peerNumber) || keys.has(realKey) || c.isSelf(peerNumber)) continue
    keys.add(realKey)
    const isFriend = turn.machine.friends.has(realKey)
    const value = { realKey, dhtKey, name, isFriend, dhtKeyFresh: false, recent: [], lossy: null }
    const lastActive = peer.lastActive * 1000
    members.set(peerNumber, { value: { ...value, nameKnown: name.length > 0 }, lastActive })
  }
  restorePeers(c, members)
}

/** Whether something is said to have happened in the future: the clock was set back since. */
function isAhead(
  { peers }: SavedConference,
  { memberSince, entries }: ConferenceMemory,
  now: WallStamp,
): boolean {
  const stamps = [memberSince, ...entries.map(({ at }) => at), ...peers.map((peer) => peer.lastActive * 1000)]
  return stamps.some((stamp) => stamp > now)
}
