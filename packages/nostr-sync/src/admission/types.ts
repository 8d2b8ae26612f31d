import type { Announcement } from '../wire/announcement.js'
import type { NostrEvent } from '../wire/event.js'

/**
 * Why an event is not taken (spec 7).
 *
 * - `blocked`: its author, or the repository, is on a block list (R69, R71).
 * - `invalid`: not what its kind has to be (R71).
 * - `does-not-list-service`: an announcement that does not name us (R71).
 * - `no-announcement`, `not-authorised`: a state without a repository, or by somebody without a say in it (R72).
 * - `orphan`: refers to nothing that we have (R74).
 * - `not-stored`: of a kind that no relay keeps (R73).
 * - `protected`: its author wants it passed on by nobody (R86).
 */
export type RejectReason =
  | 'blocked'
  | 'invalid'
  | 'does-not-list-service'
  | 'no-announcement'
  | 'not-authorised'
  | 'orphan'
  | 'not-stored'
  | 'protected'

/** What becomes of an event. */
export type Admission =
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly reason: RejectReason; readonly detail: string }
  /** Kept aside, known and served to nobody, until what it needs is there (R76); `needs` names that, for logs. */
  | { readonly kind: 'hold'; readonly needs: string }

/** What a policy may ask of what is stored. */
export interface AdmissionView {
  /** Whether an event of this id is stored. */
  has(id: string): boolean
  /** Whether the newest event of this address is stored. */
  hasAddress(address: string): boolean
  /** Accepted announcements with this identifier, whoever's. */
  announcements(identifier: string): readonly Announcement[]
  /** Whether a stored event refers to this id or address. */
  isReferenced(idOrAddress: string): boolean
}

/** Decides which events we take. Pure: the same event and the same store get the same answer. */
export interface AdmissionPolicy {
  /** Asked before the signature is checked, so that what is unwanted costs little; only of what nobody could change. */
  blocks(event: Pick<NostrEvent, 'pubkey'>): boolean
  /** The verdict on an event whose id and signature are right. */
  admit(event: NostrEvent, view: AdmissionView): Admission
  /** Whether a repository whose announcement was accepted is to be synced; one that no longer names us is not (R35). */
  mirrors(announcement: Announcement, view: AdmissionView): boolean
}
