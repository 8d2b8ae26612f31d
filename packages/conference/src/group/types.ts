import type { Budget, Millis, RosterMachine, RosterTime, SortedMap, WallStamp } from '@holdfast/core'
import type { ConferenceIdentifier, DhtKey, RealKey } from '../wire/identity.js'
import type { ClosestPeers } from './closest.js'
import type { History } from './history.js'
import type { LossyWindow } from './lossy-window.js'
import type { SeenMessage } from './message-window.js'

/** A member other than ourselves; its peer number is its key in the roster. */
export interface Peer {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
  /** False from the moment it was thawed until its DHT key is next set (spec 4, R14). */
  readonly dhtKeyFresh: boolean
  /** UTF-8, at most 128 bytes. */
  readonly name: Uint8Array
  /** Whether the name, even an empty one, is its own word. */
  readonly nameKnown: boolean
  readonly recent: readonly SeenMessage[]
  readonly lossy: LossyWindow | null
  /** Friends are kept longest while frozen. */
  readonly isFriend: boolean
}

/** Why a conference wants a link to a peer; it is released when the last reason goes (spec 3). */
export interface Reasons {
  /** It is one of the four nearest. */
  readonly closest: boolean
  /** We help it to get in. */
  readonly introducing: boolean
  /** It helps us. */
  readonly introducer: boolean
}

/** One of them. */
export type Reason = keyof Reasons

/** Use of a friend connection by one conference. */
export interface GroupConnection {
  readonly realKey: RealKey
  readonly state: 'connecting' | 'online'
  /** What the other side calls the conference; of no meaning until it is online. */
  readonly theirNumber: number
  readonly reasons: Reasons
  /** When its link went down although it was online; a {@link RosterTime.stamp}. `null` if it never did. */
  readonly downSince: Millis | null
  readonly catchUp: CatchUp
  /** How often something that costs us was done for it, in the present second. */
  readonly spent: Spending
}

/** What is known about missed messages at the two ends of a connection (spec 8.1, E2). */
export interface CatchUp {
  /** The other side has said that it understands. */
  readonly understands: boolean
  /** From when on we may have missed something that it can tell; a {@link RosterTime.stamp}. */
  readonly missedSince: Millis | null
  /** From when on it was asked for. */
  readonly askedSince: Millis | null
  /** When we last told it what it had missed; a {@link RosterTime.beat}. */
  readonly answeredAt: Millis | null
}

/** What was done for a connection in one second of the clock: Peer Queries sent for it, and answered. */
export interface Spending {
  readonly second: Millis
  readonly queries: number
  readonly answers: number
}

/** One conference, as one of its members knows it. */
export interface Conference {
  /** Ours: others have their own number for the same conference. */
  readonly number: number
  readonly identifier: ConferenceIdentifier
  /** `joining`: accepted, but our own peer number is not known yet. */
  readonly phase: 'joining' | 'connected'
  /** When it was accepted or created; a {@link RosterTime.beat}. */
  readonly since: Millis
  /** When it was; a {@link RosterTime.stamp}. Nothing that was said before is told as missed. */
  readonly memberSince: WallStamp
  /**
   * For each peer number, the greatest message number that an earlier process had heard: what has a greater one was said while
   * we were a member, whatever the clocks say.
   */
  readonly heardBefore: SortedMap<number, number>
  /** When this process took it over from an earlier one; a {@link RosterTime.stamp}. `null` if it is its own. */
  readonly restoredAt: WallStamp | null
  /** Of no meaning while joining. */
  readonly selfNumber: number
  /** UTF-8; empty if there never was one. */
  readonly title: Uint8Array
  /** Whether there has always been somebody live since the title was set: then nobody's answer replaces it (R22). */
  readonly titleFresh: boolean
  /** Last used. */
  readonly messageNumber: number
  /** Next to be used. */
  readonly lossyNumber: number
  /** Our own messages that came back. */
  readonly echoed: readonly SeenMessage[]
  /** All members but ourselves. */
  readonly roster: RosterMachine<number, Peer>
  /** Peer numbers of all in the roster. */
  readonly numbers: SortedMap<RealKey, number>
  /** How many frozen members are kept. */
  readonly maxFrozen: number
  readonly connections: readonly GroupConnection[]
  readonly closest: ClosestPeers
  readonly closestChanged: 'none' | 'added' | 'removed'
  readonly needSendName: boolean
  /** `null` if there was none yet. */
  readonly lastPingAt: Millis | null
  /** When we last told our name and DHT key again after a short interruption (spec 8.1, E1). */
  readonly repairedAt: Millis | null
  readonly history: History
  /** Friends whom we invited and who have not accepted yet. */
  readonly invited: SortedMap<RealKey, true>
}

/** A friend connection that is up. */
export interface FriendLink {
  /** As proved by the running link. */
  readonly dhtKey: DhtKey
}

/** An invitation that waits for the application's answer. */
export interface Invitation {
  readonly from: RealKey
  readonly identifier: ConferenceIdentifier
  /** The inviter's number for the conference. */
  readonly theirNumber: number
}

/** All conferences of one peer, and what they know of its links: a value. */
export interface ConferencesMachine {
  readonly realKey: RealKey
  readonly dhtKey: DhtKey
  /** Our name, UTF-8. */
  readonly name: Uint8Array
  /** Friend connections that are up. */
  readonly links: SortedMap<RealKey, FriendLink>
  /** Friends, and whether they are online in the sense of the messenger. */
  readonly friends: SortedMap<RealKey, 'online' | 'offline'>
  readonly conferences: SortedMap<number, Conference>
  /** The oldest first; at most 16 of each friend. */
  readonly invitations: readonly Invitation[]
}

/** What a step goes by, apart from state and event. */
export interface ConferencesContext {
  /** Whole seconds on both axes: a timeout of 60 s is over when 60 seconds of the clock have begun (spec 1). */
  readonly at: RosterTime
  /** Uniform in [0, 1); chooses peer numbers. */
  readonly random: () => number
  readonly rules: ConferencesRules
}

/** What may be set. */
export interface ConferencesRules {
  /** Members beyond this are not taken in, whoever tells of them. */
  readonly maxPeers: number
  /**
   * Whether a connection that comes back without anybody having been frozen makes us tell our name and DHT key again,
   * at most once a minute: real peers never learn what they missed in a short interruption (spec 8.1, E1).
   */
  readonly repair: boolean
  /**
   * How much of what was said is held in each conference, for members who missed it (spec 8.1, E2). `null`: nothing is
   * held, told or asked for, and nothing but what every peer knows is sent.
   */
  readonly history: Budget | null
}

/** 4096 members, repair on, 500 messages of at most 256 KiB and a day as history. */
export const defaultRules: ConferencesRules = {
  maxPeers: 4096,
  repair: true,
  history: { count: 500, bytes: 256 * 1024, age: 86_400_000 },
}
