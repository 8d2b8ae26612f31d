import type { End, LinkId, Millis, Reached, RetryAdvice } from '../end.js'
import type { Endpoint } from '../link/types.js'
import type { LifecycleState } from './types.js'

/** The whole state of a lifecycle: the snapshot that is told, and what only the machine needs. */
export interface LifecycleMachine {
  readonly told: LifecycleState
  /** Counts dials and adoptions. Whatever is started carries it, so that what comes late is recognised. */
  readonly generation: number
  /** What a dialing lifecycle waits for; an adopted link needs no admission. */
  readonly dial: 'endpoint' | 'admission' | 'link' | 'adopted-link' | null
  readonly attempt: number
  readonly previous: Millis
  /** No dial before this point, whoever asks. */
  readonly notBefore: Millis
  /** When the phase's one timer is due; `null` without one. */
  readonly timerAt: Millis | null
  /** Whether the link has been ready for long enough. */
  readonly stable: boolean
  /** When this generation began. */
  readonly begun: Millis
  /** When a link was last ready; `null` if none ever was. */
  readonly lastReady: Millis | null
  /** What follows the drain that is under way. */
  readonly afterDrain: 'dial' | 'close' | null
}

/** What happens to a lifecycle. `at` is a point on the monotonic clock. */
export type LifecycleInput = { readonly at: Millis } & (
  | { readonly kind: 'start' | 'nudge' }
  | {
      readonly kind: 'located' | 'admitted' | 'opened' | 'ready' | 'emptied' | 'timer'
      readonly generation: number
    }
  | {
      readonly kind: 'dialed'
      readonly generation: number
      readonly link: LinkId
      readonly endpoint: Endpoint
    }
  | { readonly kind: 'ended'; readonly generation: number; readonly why: End }
  | {
      readonly kind: 'peer-drains'
      readonly generation: number
      readonly within: Millis
      readonly inFlight: number
    }
  | { readonly kind: 'in-flight'; readonly generation: number; readonly inFlight: number }
  /** A link the peer opened; `prefer` says which to keep if ours is open. */
  | { readonly kind: 'adopt'; readonly prefer: 'current' | 'incoming' }
  | { readonly kind: 'restart' | 'close'; readonly why: End }
  | { readonly kind: 'drain'; readonly within: Millis; readonly inFlight: number }
)

/** What has to be done. `generation` names the dial or link that it is about. */
export type LifecycleEffect =
  | { readonly kind: 'locate' | 'admit' | 'dial' | 'take'; readonly generation: number }
  /** The granted or requested admission is given back. */
  | { readonly kind: 'leave' }
  /** The one timer of the phase; it replaces the one before. */
  | { readonly kind: 'arm'; readonly at: Millis; readonly generation: number }
  | { readonly kind: 'disarm' }
  | { readonly kind: 'retire'; readonly deadline: Millis }
  /** End the link when what was accepted is flushed. */
  | { readonly kind: 'end'; readonly why: End }
  /** End the link, or the dial, at once. */
  | { readonly kind: 'destroy'; readonly why: End }

/** What the machine is told of its options; pure where they are. */
export interface LifecycleRules {
  readonly dialWithin: Millis
  readonly handshakeWithin: Millis
  readonly stableAfter: Millis
  /** The next delay, drawn anew at each call. */
  retryIn(context: { attempt: number; previous: Millis; why: End; reached: Reached }): Millis | 'give-up'
  /** The last word on an end. */
  advise(why: End, reached: Reached): RetryAdvice
}

/** A lifecycle that has not been started. */
export const idleLifecycle: LifecycleMachine = {
  told: { phase: 'idle' },
  generation: 0,
  dial: null,
  attempt: 0,
  previous: 0,
  notBefore: 0,
  timerAt: null,
  stable: false,
  begun: 0,
  lastReady: null,
  afterDrain: null,
}
