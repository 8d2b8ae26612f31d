import { emptyRoster, SortedMap } from '@holdfast/core'
import type { ConferenceIdentifier } from '../wire/identity.js'
import { noClosestPeers } from './closest.js'
import { noHistory } from './history.js'
import type { Turn } from './turn.js'
import type { Conference } from './types.js'

/** Frozen members that are kept, unless the application says otherwise (spec 6). */
export const defaultMaxFrozen = 128

/** Conference numbers are 16 bits wide. */
const mostConferences = 0x1_0000

/** A conference with the lowest number that is free; `null` if none is. */
export function newConference(
  turn: Turn,
  identifier: ConferenceIdentifier,
  phase: Conference['phase'],
): Conference | null {
  const { conferences } = turn.machine
  let number = 0
  while (conferences.has(number)) number += 1
  if (number >= mostConferences) return null
  return {
    number,
    identifier,
    phase,
    since: turn.at.beat,
    memberSince: turn.at.stamp,
    heardBefore: new SortedMap(),
    restoredAt: null,
    selfNumber: 0,
    title: new Uint8Array(),
    titleFresh: false,
    messageNumber: 0,
    lossyNumber: 0,
    echoed: [],
    roster: emptyRoster(),
    numbers: new SortedMap(),
    maxFrozen: defaultMaxFrozen,
    connections: [],
    closest: noClosestPeers,
    closestChanged: 'none',
    needSendName: false,
    lastPingAt: null,
    repairedAt: null,
    history: noHistory,
    invited: new SortedMap(),
  }
}
