import type { Subscription } from 'rxjs'
import type { End, LinkId, Millis } from '../end.js'
import { lifecycle } from '../lifecycle/lifecycle.js'
import type { Lifecycle, LifecycleOptions, LifecycleState } from '../lifecycle/types.js'
import type { LinkProtocol, LinkScope } from '../link/types.js'
import type { SlotId } from './model.js'

/** A link that got ready, until nothing is bound to it any more. */
export interface HeldLink<P> {
  readonly id: LinkId
  readonly slot: SlotId
  readonly scope: LinkScope
  readonly protocol: P
  /** How it ended, once its lifecycle has said so. */
  why: End | null
  /** The pool has noticed that it goes, before its lifecycle said so. */
  isGoing: boolean
}

/** What the lifecycle of a slot has come to. */
export type SlotNews =
  | { readonly kind: 'opening' | 'failed' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'waiting'; readonly dueAt: Millis }
  | { readonly kind: 'ready'; readonly link: LinkId }

/** One lifecycle of a pool, told as the pool's machine wants to hear it. */
export class Slot<P extends LinkProtocol> {
  readonly id: SlotId
  readonly lifecycle: Lifecycle<P>
  /** The ready link, the peer's goodbye included. */
  held: HeldLink<P> | null = null
  readonly #tell: (slot: Slot<P>, news: SlotNews) => void
  #scope: LinkScope | null = null
  #subscription: Subscription | null = null

  constructor(id: SlotId, options: LifecycleOptions<P>, tell: (slot: Slot<P>, news: SlotNews) => void) {
    this.id = id
    this.#tell = tell
    const protocol = (scope: LinkScope): P => {
      this.#scope = scope
      return options.protocol(scope)
    }
    this.lifecycle = lifecycle({ ...options, protocol })
  }

  start(): void {
    this.#subscription = this.lifecycle.state$.subscribe({
      next: (state) => this.#hear(state),
      error: neverErrors,
    })
    this.lifecycle.start()
  }

  /** Tells nothing any more; what becomes of the lifecycle is up to the caller. */
  stop(): void {
    this.#subscription?.unsubscribe()
  }

  #hear(state: LifecycleState): void {
    switch (state.phase) {
      case 'idle':
        return
      case 'dialing':
      case 'handshaking':
        this.#lost(null)
        this.#tell(this, { kind: 'opening' })
        return
      case 'ready':
        this.#ready(state.link)
        return
      case 'draining':
        this.#tell(this, { kind: 'draining' })
        return
      case 'waiting':
        this.#lost(state.why)
        this.#tell(this, { kind: 'waiting', dueAt: state.retryAt })
        return
      case 'closed':
      case 'failed':
        this.#lost(state.why)
        this.#tell(this, { kind: 'failed' })
    }
  }

  #ready(link: LinkId): void {
    const { current } = this.lifecycle
    // Told again when it is stable.
    if (current === null || this.#scope === null || this.held?.id === link) return
    this.held = {
      id: link,
      slot: this.id,
      scope: this.#scope,
      protocol: current,
      why: null,
      isGoing: false,
    }
    this.#tell(this, { kind: 'ready', link })
  }

  #lost(why: End | null): void {
    if (this.held !== null) this.held.why = why
    this.held = null
  }
}

function neverErrors(): void {
  // State streams do not.
}
