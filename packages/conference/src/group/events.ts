import type { SavedConference } from '../wire/conferences-section.js'
import type { ConferenceIdentifier, DhtKey, RealKey } from '../wire/identity.js'
import type { ConferenceMemory } from './memory.js'

/** What happens to the conferences of one peer. */
export type ConferencesInput =
  /** A friend connection came up, with the DHT key that it proved. */
  | { readonly kind: 'link-up'; readonly realKey: RealKey; readonly dhtKey: DhtKey }
  | { readonly kind: 'link-down'; readonly realKey: RealKey }
  /** A packet of a link that is up; lossless or lossy. Lent for the step only. */
  | { readonly kind: 'packet'; readonly from: RealKey; readonly bytes: Uint8Array }
  /** Somebody became a friend, came online or went offline as one, or is none any more. */
  | { readonly kind: 'friend'; readonly realKey: RealKey; readonly is: 'online' | 'offline' | 'none' }
  /** Time has passed. Ten to twenty times a second is often enough. */
  | { readonly kind: 'tick' }
  | ConferencesCommand

/** What the application asks for. What cannot be done is answered with a `refused` effect, and changes nothing. */
export type ConferencesCommand =
  /** The identifier must be new: 32 random bytes. */
  | { readonly kind: 'create'; readonly identifier: ConferenceIdentifier }
  /** Takes an invitation up that was told as `invited`. */
  | { readonly kind: 'accept'; readonly from: RealKey; readonly identifier: ConferenceIdentifier }
  | { readonly kind: 'decline'; readonly from: RealKey; readonly identifier: ConferenceIdentifier }
  | { readonly kind: 'invite'; readonly conference: number; readonly friend: RealKey }
  | {
      readonly kind: 'say'
      readonly conference: number
      readonly text: string
      readonly as: 'chat' | 'action'
    }
  | { readonly kind: 'datagram'; readonly conference: number; readonly id: number; readonly data: Uint8Array }
  | { readonly kind: 'set-title'; readonly conference: number; readonly title: string }
  /** Our own name, in all conferences. */
  | { readonly kind: 'set-name'; readonly name: string }
  | { readonly kind: 'set-max-frozen'; readonly conference: number; readonly max: number }
  /** For good: the others forget us, and we them. */
  | { readonly kind: 'leave'; readonly conference: number }
  /** The program closes: the others freeze us at once instead of after a minute. */
  | { readonly kind: 'close' }
  /** What an earlier process saved, and kept beside it. */
  | {
      readonly kind: 'restore'
      readonly conferences: readonly SavedConference[]
      readonly memories?: readonly ConferenceMemory[]
    }

/** Why a command was refused. */
export type RefusedWhy =
  | 'no-such-conference'
  | 'no-such-invitation'
  | 'no-such-friend'
  /** There is a conference with this identifier. */
  | 'known-already'
  /** Joining, or no connection of the conference is online. */
  | 'no-connection'
  | 'too-long'
  | 'empty'
  /** Neither a text nor an audio conference's type byte and 32 bytes in lower-case hexadecimal. */
  | 'no-identifier'
  /** A limit must be a whole number from 0. */
  | 'no-limit'
  /** 65,536 conferences. */
  | 'too-many'
  /** We are closing, or have closed: nothing would be said or saved. */
  | 'closed'

/** Why a member was frozen. */
export type FrozenBecause =
  /** Nothing was heard of it for 60 s (R2). */
  | 'silent'
  /** Our last connection into the conference went (R7). */
  | 'no-connection'
  /** It said that its program closes. */
  | 'said-so'
  /** It was loaded from a file (R24). */
  | 'restored'

/** What showed that a frozen member is back. */
export type ThawedBy =
  /** A message that it wrote, whoever passed it on (R8). */
  | 'message'
  /** It asked us to take it in (R9). */
  | 'rejoin'
  /** Another member met it (R10). */
  | 'new-peer'
  /** It took up an invitation of ours, or is in already. */
  | 'invitation'

/** What the application is told. */
export type ConferenceNews =
  | { readonly kind: 'invited'; readonly from: RealKey; readonly identifier: ConferenceIdentifier }
  /** We have it from now on: created, accepted or restored. */
  | { readonly kind: 'opened'; readonly conference: number; readonly identifier: ConferenceIdentifier }
  /** We know our peer number, and may speak. */
  | { readonly kind: 'connected'; readonly conference: number }
  /** Nobody answered the acceptance for a minute; the conference is gone. Ask to be invited again (U9). */
  | { readonly kind: 'gave-up'; readonly conference: number; readonly identifier: ConferenceIdentifier }
  | {
      readonly kind: 'message'
      readonly conference: number
      readonly from: RealKey
      readonly text: string
      readonly as: 'chat' | 'action'
      readonly messageNumber: number
      /** Set when it was said while we were away, and how many minutes ago at least; `null` when it is heard live. */
      readonly late: { readonly minutes: number } | null
    }
  | {
      readonly kind: 'datagram'
      readonly conference: number
      readonly from: RealKey
      readonly id: number
      readonly data: Uint8Array
    }
  /** Our own message was sent under this number. */
  | { readonly kind: 'sent'; readonly conference: number; readonly messageNumber: number }
  /** A message of ours came back: at least one other member has it. */
  | { readonly kind: 'echoed'; readonly conference: number; readonly messageNumber: number }
  /** `by` is `null` when a member answered what the title is. */
  | {
      readonly kind: 'title'
      readonly conference: number
      readonly title: string
      readonly by: RealKey | null
    }
  /** A member says that the title is another one; ours stays (R22). */
  | {
      readonly kind: 'title-conflict'
      readonly conference: number
      readonly title: string
      readonly from: RealKey
    }
  | { readonly kind: 'name'; readonly conference: number; readonly of: RealKey; readonly name: string }
  | { readonly kind: 'joined'; readonly conference: number; readonly who: RealKey }
  | { readonly kind: 'frozen'; readonly conference: number; readonly who: RealKey; readonly why: string }
  | { readonly kind: 'thawed'; readonly conference: number; readonly who: RealKey; readonly by: ThawedBy }
  /** It left for good, or came in again under another peer number. */
  | { readonly kind: 'left'; readonly conference: number; readonly who: RealKey }
  /** It was frozen, and others went before it. */
  | { readonly kind: 'forgotten'; readonly conference: number; readonly who: RealKey }
  /** Two members have the same peer number: they cannot both be heard. One of them must leave and be invited again. */
  | {
      readonly kind: 'number-clash'
      readonly conference: number
      readonly who: RealKey
      readonly peerNumber: number
    }
  /** We asked a member for what we missed, or told one what it missed, as far as it was held (E2). */
  | {
      readonly kind: 'catch-up'
      readonly conference: number
      readonly with: RealKey
      readonly did: 'asked' | 'answered'
    }
  /** A message in our name with a number that we have not used; it was dropped (spec 8). */
  | { readonly kind: 'spoofed'; readonly conference: number; readonly via: RealKey }
  /** The conference has as many members as we take. */
  | { readonly kind: 'full'; readonly conference: number }

/** What has to be done about a step, in this order. */
export type ConferencesEffect =
  /** Over the link that is up, lossless and in order. */
  | { readonly kind: 'send'; readonly to: RealKey; readonly packet: Uint8Array }
  | { readonly kind: 'send-lossy'; readonly to: RealKey; readonly packet: Uint8Array }
  /** The conference wants a link. `dhtKey` is where to look for the peer, `null` if that is known elsewhere. */
  | {
      readonly kind: 'want'
      readonly realKey: RealKey
      readonly dhtKey: DhtKey | null
      readonly conference: number
    }
  /** The conference needs the link no more. Once nobody does it counts as down, at once and without a word. */
  | { readonly kind: 'release'; readonly realKey: RealKey; readonly conference: number }
  | { readonly kind: 'tell'; readonly news: ConferenceNews }
  | { readonly kind: 'refused'; readonly command: ConferencesCommand['kind']; readonly why: RefusedWhy }
