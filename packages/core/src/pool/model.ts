import type { LinkId, Millis } from '../end.js'
import type { SortedMap } from '../sorted-map.js'
import type { Movability, PoolPark, PoolSize } from './types.js'

/** Names a slot of a pool: one lifecycle, and so one link at a time. Given out by {@link poolStep}, never again. */
export type SlotId = number

/** Names a binding. Given out by whoever drives {@link poolStep}: increasing, never again. */
export type BindingId = number

/** What {@link poolStep} goes by. */
export interface PoolRules {
  readonly size: PoolSize
  /** Without it what cannot be placed is released. */
  readonly park?: PoolPark
  /** Asked in the very step that wants to move the binding. */
  readonly movable: (binding: BindingId, from: LinkId) => Movability
}

/** What a slot is up to. */
export type PoolSlot =
  /** On its way to a link: dialing or handshaking. */
  | { readonly phase: 'opening' }
  /** Dials again at `dueAt`. */
  | { readonly phase: 'waiting'; readonly dueAt: Millis }
  /** Will not dial again. Keeps its place, or a refused pool would dial for ever. */
  | { readonly phase: 'failed' }
  | PoolLink

/** A slot that has a link. */
export type PoolLink = ReadySlot | RetiringSlot

/** A slot whose link takes bindings. */
export interface ReadySlot {
  readonly phase: 'ready'
  readonly link: LinkId
  readonly bound: SortedMap<BindingId, true>
  /**
   * Where it is to be replaced: how long it is given from then on. It no longer counts towards the size, and takes
   * bindings only while there is no other. `null` otherwise.
   */
  readonly yields: Millis | null
}

/** A slot whose link takes no more bindings and loses those it has. */
export interface RetiringSlot {
  readonly phase: 'retiring'
  readonly link: LinkId
  readonly bound: SortedMap<BindingId, true>
  /** When the rest is cut; Infinity if only the end of the link does that. */
  readonly deadline: Millis
  /** `slot`: we retired it, and the slot goes with it. `link`: the peer drains it, and the slot dials again. */
  readonly leaves: 'slot' | 'link'
  /** How many were moved so far. */
  readonly moved: number
}

/** Where a binding is. */
export type Place =
  | { readonly phase: 'bound'; readonly slot: SlotId }
  | { readonly phase: 'parked'; readonly ticket: number }

/** Someone in the queue for a link. */
export interface Parked {
  readonly binding: BindingId
  readonly until: Millis
}

/** The slots and bindings of a pool. Begins as {@link emptyPool}, changed by {@link poolStep}. */
export interface PoolMachine {
  readonly phase: 'open' | 'draining' | 'closed'
  readonly slots: SortedMap<SlotId, PoolSlot>
  readonly bindings: SortedMap<BindingId, Place>
  /** The queue, by tickets that count up: first parked, first placed. */
  readonly parked: SortedMap<number, Parked>
  readonly nextSlot: SlotId
  readonly nextTicket: number
}

/** What happens to a pool, `start` first: it opens `size.min` slots. `at` is a point on `clock.now()`. */
export type PoolEvent = { readonly at: Millis } & (
  | { readonly kind: 'start' }
  /** A slot's lifecycle has changed its phase. If it had a link that was ready, this is that link's end. */
  | { readonly kind: 'opening'; readonly slot: SlotId }
  | { readonly kind: 'waiting'; readonly slot: SlotId; readonly dueAt: Millis }
  | { readonly kind: 'failed'; readonly slot: SlotId }
  | { readonly kind: 'ready'; readonly slot: SlotId; readonly link: LinkId }
  /** These links go, as the peer has said or the protocol wants; the slots' lifecycles will end them and dial again. */
  | { readonly kind: 'draining'; readonly slots: readonly SlotId[] }
  | { readonly kind: 'bind'; readonly binding: BindingId }
  /** The session is over, whatever the reason. */
  | { readonly kind: 'release'; readonly binding: BindingId }
  /** Planned: the link is to go by `deadline`. Asked again, the earlier deadline holds. */
  | { readonly kind: 'retire'; readonly link: LinkId; readonly deadline: Millis }
  /** The link is to go when another has taken its place, by `within` after that. */
  | { readonly kind: 'replace'; readonly link: LinkId; readonly within: Millis }
  /** Sessions on this slot may have become movable. */
  | { readonly kind: 'flushed'; readonly slot: SlotId }
  /** {@link poolDeadline} has come. */
  | { readonly kind: 'tick' }
  /** No more bindings; those there are go on. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'close' }
)

/**
 * Why a binding was released, or refused.
 *
 * - `mid-send`, `pinned`: it could not leave a link that was going.
 * - `no-link`: no slot had a link, nor the prospect of one in time.
 * - `park-full`, `park-expired`: no room to wait, or it has waited long enough.
 * - `asked`: by its owner. `closed`: with the pool. `draining`: the pool takes no more, for a refusal only.
 */
export type ReleaseWhy =
  | 'mid-send'
  | 'pinned'
  | 'no-link'
  | 'park-full'
  | 'park-expired'
  | 'asked'
  | 'draining'
  | 'closed'

/** What became of the bindings of a link that is gone. */
export interface MoveTally {
  readonly link: LinkId
  readonly moved: number
  readonly parked: number
  /** Who had to be released, and why. Who was released by its owner is not counted. */
  readonly cut: readonly { readonly binding: BindingId; readonly why: ReleaseWhy }[]
}

/**
 * What has to be done about it, in this order. A binding that is detached and not attached in the same step is
 * parked, or `release` follows: once, and the last that is heard of it.
 */
export type PoolEffect =
  /** Make a lifecycle and start it. */
  | { readonly kind: 'open'; readonly slot: SlotId }
  /** End the slot's lifecycle; nothing that happens to it counts any more. */
  | { readonly kind: 'close'; readonly slot: SlotId }
  | { readonly kind: 'attach'; readonly binding: BindingId; readonly to: LinkId }
  | {
      readonly kind: 'detach'
      readonly binding: BindingId
      readonly from: LinkId
      readonly linkAlive: boolean
    }
  | { readonly kind: 'release'; readonly binding: BindingId; readonly why: ReleaseWhy }
  /** It never became a binding. */
  | { readonly kind: 'refuse'; readonly binding: BindingId; readonly why: ReleaseWhy }
  /** A link is gone and nothing is bound to it. */
  | ({ readonly kind: 'retired' } & MoveTally)
