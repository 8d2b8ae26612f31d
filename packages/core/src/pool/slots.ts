import type { End, LinkId, Millis } from '../end.js'
import type { Clock } from '../env/types.js'
import type { Lifecycle, LifecycleOptions } from '../lifecycle/types.js'
import type { LinkProtocol } from '../link/types.js'
import type { SlotId } from './model.js'
import { type HeldLink, Slot, type SlotNews } from './slot.js'

const none: readonly SlotId[] = []

/** The lifecycles of a pool: those of its slots, and those that have left it and still drain. */
export class Slots<P extends LinkProtocol> {
  readonly #clock: Clock
  readonly #options: LifecycleOptions<P>
  readonly #tell: (slot: SlotId, news: SlotNews) => void
  readonly #slots = new Map<SlotId, Slot<P>>()
  /** Every link that bindings may be on. */
  readonly #links = new Map<LinkId, HeldLink<P>>()
  readonly #leaving = new Map<Lifecycle<P>, Promise<unknown>>()
  #endBy: Millis = Infinity

  constructor(clock: Clock, options: LifecycleOptions<P>, tell: (slot: SlotId, news: SlotNews) => void) {
    this.#clock = clock
    this.#options = options
    this.#tell = tell
  }

  /** The link, as long as bindings may be on it. */
  link(id: LinkId): HeldLink<P> | undefined {
    return this.#links.get(id)
  }

  /** Nothing is bound to the link any more. */
  forget(link: LinkId): void {
    this.#links.delete(link)
  }

  /** Begins the lifecycle of a slot. */
  open(id: SlotId): void {
    const slot = new Slot(id, this.#options, (told, news) => {
      if (told.held !== null && news.kind === 'ready') this.#links.set(told.held.id, told.held)
      this.#tell(id, news)
    })
    this.#slots.set(id, slot)
    slot.start()
  }

  /**
   * Lets the lifecycle of a slot go, which drains.
   *
   * @param why - how it ends if there is no time for that
   * @returns the link that it got ready in this very turn, too late for anybody to use it
   */
  close(id: SlotId, why: End | null): LinkId | null {
    const slot = this.#slots.get(id)
    if (slot === undefined) return null
    this.#slots.delete(id)
    slot.stop()
    const { lifecycle, held } = slot
    this.#leave(lifecycle, why)
    return held !== null && this.#links.delete(held.id) ? held.id : null
  }

  /**
   * The slots whose links go, and nobody has said so yet. A protocol may end its link gracefully, and a link that ends is dead
   * before its lifecycle has had its turn to tell. Each is named once.
   */
  going(): readonly SlotId[] {
    // Asked before every event, and hardly ever answered with any.
    let going: SlotId[] | null = null
    for (const link of this.#links.values()) {
      if (link.isGoing || link.scope.link.phase === 'open') continue
      link.isGoing = true
      going ??= []
      going.push(link.slot)
    }
    return going ?? none
  }

  /**
   * No lifecycle that leaves from now on takes longer than until then.
   *
   * @returns the earliest that was ever said
   */
  endBy(at: Millis): Millis {
    this.#endBy = Math.min(this.#endBy, at)
    return this.#endBy
  }

  /** Waits for those that are leaving, in what is left of their time: they may have had more of it before. */
  async left(why: End): Promise<void> {
    for (const leaving of [...this.#leaving.keys()]) this.#leave(leaving, why)
    await Promise.all(this.#leaving.values())
  }

  /** Ends those that are leaving at once. */
  cut(why: End): void {
    for (const leaving of [...this.#leaving.keys()]) leaving.close(why)
  }

  #leave(lifecycle: Lifecycle<P>, why: End | null): void {
    const left = this.#endBy - this.#clock.now()
    if (left <= 0) {
      lifecycle.close(why ?? undefined)
      return
    }
    const drained = lifecycle.drain(left === Infinity ? {} : { within: left })
    this.#leaving.set(
      lifecycle,
      drained.then(() => this.#leaving.delete(lifecycle)),
    )
  }
}
