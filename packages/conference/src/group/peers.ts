import { Buffer } from 'node:buffer'
import {
  type Member,
  type Millis,
  type RosterChange,
  type RosterEvent,
  type RosterRules,
  rosterStep,
  type WallStamp,
} from '@holdfast/core'
import { type DhtKey, isValidKey, type RealKey } from '../wire/identity.js'
import { offerClosest, removeClosest } from './closest.js'
import { addReason, removeConnection } from './connections.js'
import type { FrozenBecause, ThawedBy } from './events.js'
import { sendRejoin } from './sending.js'
import { textOf } from './text.js'
import type { ConferenceTurn } from './turn.js'
import type { Peer } from './types.js'

/** Silence after which a member is frozen (R2). */
const freezeAfterMs = 60_000

/** What is told of a member. */
export interface PeerFacts {
  readonly peerNumber: number
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
}

/** The member of this number, live or frozen. */
export function peer(c: ConferenceTurn, peerNumber: number): Peer | null {
  const { live, frozen } = c.state.roster
  return (live.get(peerNumber) ?? frozen.get(peerNumber))?.value ?? null
}

/** The number of a member; `null` for strangers, and for ourselves. */
export function numberOf(c: ConferenceTurn, realKey: RealKey): number | null {
  return c.state.numbers.get(realKey) ?? null
}

/** Something was heard of a member: a frozen one thaws (R8 to R11). False for strangers. */
export function noteActive(c: ConferenceTurn, peerNumber: number, by: ThawedBy): boolean {
  if (peer(c, peerNumber) === null) return false
  c.heardBy = by
  change(c, { kind: 'touch', key: peerNumber, at: c.at })
  return true
}

/**
 * A member with its DHT key, as somebody has just met it: it is active, and new if its number is (R10, R13).
 *
 * @returns whether it is listed now; not if its number is somebody else's, or there is no room
 */
export function meetPeer(c: ConferenceTurn, facts: PeerFacts, by: ThawedBy): boolean {
  if (!isListable(c, facts)) return false
  if (!noteActive(c, facts.peerNumber, by)) return addPeer(c, facts)
  updatePeer(c, facts.peerNumber, { dhtKey: facts.dhtKey, dhtKeyFresh: true })
  return true
}

/**
 * A member as somebody else's list has it: no sign of life. Its DHT key is believed only while we know no better
 * (R14).
 *
 * @returns whether it is listed under this number
 */
export function hearOfPeer(c: ConferenceTurn, facts: PeerFacts): boolean {
  if (!isListable(c, facts)) return false
  const known = peer(c, facts.peerNumber)
  if (known === null) return addPeer(c, facts)
  const isFrozen = c.state.roster.frozen.has(facts.peerNumber)
  if (isFrozen || !known.dhtKeyFresh) {
    updatePeer(c, facts.peerNumber, { dhtKey: facts.dhtKey, dhtKeyFresh: !isFrozen })
  }
  return true
}

/** Changes what is known of a member. */
export function updatePeer(c: ConferenceTurn, peerNumber: number, with_: Partial<Peer>): void {
  const old = peer(c, peerNumber)
  if (old !== null) change(c, { kind: 'update', key: peerNumber, value: { ...old, ...with_ } })
}

/** Its name, as itself or a Peer Response says it (spec 5, T5.4 and T15). */
export function namePeer(c: ConferenceTurn, peerNumber: number, name: Uint8Array): void {
  const old = peer(c, peerNumber)
  if (old === null) return
  const isSame = Buffer.compare(old.name, name) === 0
  if (isSame && old.nameKnown) return
  updatePeer(c, peerNumber, { name, nameKnown: true })
  if (!isSame) c.turn.tell({ kind: 'name', conference: c.number, of: old.realKey, name: textOf(name) })
}

/** Freezes a live member. */
export function freezePeer(c: ConferenceTurn, peerNumber: number, why: FrozenBecause): void {
  change(c, { kind: 'freeze', key: peerNumber, why, at: c.at })
}

/** Freezes everybody at once (R7). */
export function freezeAll(c: ConferenceTurn): void {
  for (const peerNumber of [...c.state.roster.live.keys()]) freezePeer(c, peerNumber, 'no-connection')
}

/** Freezes the silent (R2). */
export function freezeSilent(c: ConferenceTurn): void {
  change(c, { kind: 'sweep', at: c.at })
}

/** Deletes a member, live or frozen. */
export function removePeer(c: ConferenceTurn, peerNumber: number): void {
  const live = c.state.roster.live.get(peerNumber)
  change(c, { kind: 'forget', key: peerNumber })
  // A frozen one is in no slot, and may just be asked over its connection to take us in.
  if (live) takeOut(c, live.value.realKey)
}

/** What was saved comes back, everybody frozen (R24). */
export function restorePeers(
  c: ConferenceTurn,
  members: Iterable<readonly [number, { readonly value: Peer; readonly lastActive: number }]>,
): void {
  const restored = Array.from(members)
  c.set({ numbers: restored.reduce((all, [n, { value }]) => all.set(value.realKey, n), c.state.numbers) })
  change(c, { kind: 'restored', members: restored, at: c.at })
}

/** Forgets whom a lowered limit no longer covers. */
export function trimFrozen(c: ConferenceTurn): void {
  change(c, { kind: 'sweep', at: c.at })
}

/** A member that others name so may be listed: the number is not ours or another's, the key can exist and is not ours. */
function isListable(c: ConferenceTurn, { peerNumber, realKey }: PeerFacts): boolean {
  const isUs = realKey === c.turn.machine.realKey
  if (isUs || !isValidKey(realKey)) return false
  const taken = c.isSelf(peerNumber) || (peer(c, peerNumber)?.realKey ?? realKey) !== realKey
  if (taken) c.turn.tell({ kind: 'number-clash', conference: c.number, who: realKey, peerNumber })
  return !taken
}

function addPeer(c: ConferenceTurn, { peerNumber, realKey, dhtKey }: PeerFacts): boolean {
  // Whoever comes in again has another number: the old entry is nobody's (L3).
  const before = numberOf(c, realKey)
  if (before !== null) removePeer(c, before)
  if (c.state.roster.live.size >= c.turn.context.rules.maxPeers) {
    c.turn.tell({ kind: 'full', conference: c.number })
    return false
  }
  const value: Peer = {
    realKey,
    dhtKey,
    dhtKeyFresh: true,
    name: new Uint8Array(),
    nameKnown: false,
    recent: [],
    lossy: null,
    isFriend: c.turn.machine.friends.has(realKey),
  }
  c.set({ numbers: c.state.numbers.set(realKey, peerNumber) })
  change(c, { kind: 'join', key: peerNumber, value, at: c.at })
  return true
}

/** Lets the roster take a step, and does what its moves mean for the rest of the conference. */
function change(c: ConferenceTurn, event: RosterEvent<number, Peer>): void {
  const { state, effects } = rosterStep(c.state.roster, event, rosterRules(c))
  if (state === c.state.roster) return
  c.set({ roster: state })
  for (const effect of effects) follow(c, effect)
}

function rosterRules(c: ConferenceTurn): RosterRules<Peer> {
  return {
    freezeAfter: freezeAfterMs,
    keep: { max: c.state.maxFrozen },
    evictFirst: strangersFirst,
  }
}

function strangersFirst(a: Member<Peer>, b: Member<Peer>): number {
  return Number(a.value.isFriend) - Number(b.value.isFriend) || a.lastActive - b.lastActive
}

function follow(c: ConferenceTurn, moved: RosterChange<number, Peer>): void {
  const { realKey, dhtKey } = moved.value
  const news = { conference: c.number, who: realKey }
  switch (moved.kind) {
    case 'joined':
      offer(c, realKey, dhtKey)
      c.turn.tell({ kind: 'joined', ...news })
      return
    case 'thawed':
      updatePeer(c, moved.key, { dhtKeyFresh: false })
      offer(c, realKey, dhtKey)
      c.set({ needSendName: true })
      c.thawedSince = Math.min(c.thawedSince ?? Infinity, awaySince(c, moved.frozenFor))
      c.turn.tell({ kind: 'thawed', ...news, by: c.heardBy })
      return
    case 'frozen':
      takeOut(c, realKey)
      c.turn.tell({ kind: 'frozen', ...news, why: moved.why })
      // Not if it was forgotten in the same step, because nobody is kept.
      if (c.state.roster.frozen.has(moved.key)) tryRejoin(c, realKey)
      return
    case 'forgotten':
      c.set({ numbers: c.state.numbers.delete(realKey) })
      c.turn.tell({ kind: moved.why === 'asked' ? 'left' : 'forgotten', ...news })
      return
  }
}

/** How long it was over a restart no clock can tell: it may have been set meanwhile, or have stood still. Then it was always. */
function awaySince(c: ConferenceTurn, frozenFor: Millis): WallStamp {
  const since = c.at.stamp - frozenFor
  const { restoredAt } = c.state
  return restoredAt !== null && since <= restoredAt ? 0 : since
}

/** Over a friend connection that is up we ask a frozen member to take us in, or to come back (R16, R17). */
export function tryRejoin(c: ConferenceTurn, realKey: RealKey): void {
  if (!c.turn.isUp(realKey)) return
  sendRejoin(c, realKey)
  addReason(c, realKey, 'introducer')
}

function takeOut(c: ConferenceTurn, realKey: RealKey): void {
  const closest = removeClosest(c.state.closest, realKey)
  if (closest !== c.state.closest) c.set({ closest, closestChanged: 'removed' })
  removeConnection(c, realKey)
}

function offer(c: ConferenceTurn, realKey: RealKey, dhtKey: DhtKey): void {
  const closest = offerClosest(c.state.closest, c.turn.machine.realKey, { realKey, dhtKey })
  if (closest === c.state.closest) return
  const closestChanged = c.state.closestChanged === 'none' ? 'added' : c.state.closestChanged
  c.set({ closest, closestChanged })
}
