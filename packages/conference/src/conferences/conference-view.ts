import { Buffer } from 'node:buffer'
import type { LiveMember, Member, WallStamp } from '@holdfast/core'
import type { Conference, Peer } from '../group/types.js'
import {
  type ConferenceIdentifier,
  type ConferenceType,
  conferenceType,
  type RealKey,
} from '../wire/identity.js'

/** A member of a conference other than ourselves, as an application shows it. */
export interface MemberView {
  readonly realKey: RealKey
  /** Empty until it is known. */
  readonly name: string
  /** Its number in this conference, the same for all members. */
  readonly peerNumber: number
  readonly isFriend: boolean
  /** When something was last heard of it. */
  readonly lastActive: WallStamp
  /** Since when it is kept aside, and why; `null` while it takes part. */
  readonly frozen: { readonly since: WallStamp; readonly why: string } | null
}

/** A conference, as an application shows it. */
export interface ConferenceView {
  /** Ours, of this run; the identifier is the same for all members and for ever. */
  readonly conference: number
  readonly identifier: ConferenceIdentifier
  readonly type: ConferenceType
  /** `joining`: taken up, but not let in yet. */
  readonly phase: 'joining' | 'connected'
  /** Empty if there is none. */
  readonly title: string
  /** How many links of ours carry it. Without one nothing can be said. */
  readonly connections: number
  /** By peer number, those who take part first. */
  readonly members: readonly MemberView[]
}

/** What an application shows of a conference. */
export function viewConference(conference: Conference): ConferenceView {
  const { number, identifier, phase, title, connections, roster } = conference
  return {
    conference: number,
    identifier,
    type: conferenceType(identifier),
    phase,
    title: Buffer.from(title).toString(),
    connections: connections.filter(({ state }) => state === 'online').length,
    members: [...roster.live, ...roster.frozen].map(([peerNumber, member]) => viewMember(peerNumber, member)),
  }
}

function viewMember(peerNumber: number, member: Member<Peer> | LiveMember<Peer>): MemberView {
  const { value, lastActive, frozen = null } = member
  const { realKey, name, isFriend } = value
  return { realKey, name: Buffer.from(name).toString(), peerNumber, isFriend, lastActive, frozen }
}
