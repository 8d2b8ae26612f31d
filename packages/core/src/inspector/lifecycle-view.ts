import type { Clock, LifecycleState } from '../index.js'
import { tidyEnd, tidyText } from './tidy.js'
import type { InspectedLifecycle, PhaseChange, WallMillis } from './types.js'
import type { RecordOf, View, ViewHost } from './view.js'

const changesKept = 32
/** How long it is shown after its end: to be seen at all, and a failure to be found. */
const shownAfter: Readonly<Record<'closed' | 'failed', WallMillis>> = { closed: 15_000, failed: 3_600_000 }

/** A lifecycle and its latest phases. */
export class LifecycleView implements View<InspectedLifecycle> {
  readonly id: number
  readonly among = 'lifecycles'
  readonly tells = true
  readonly #host: ViewHost
  readonly #name: string
  readonly #clock: Clock
  readonly #noun: WeakRef<RecordOf<'lifecycle'>['noun']>
  #state: LifecycleState
  #seenAt: WallMillis
  readonly #history: PhaseChange[]
  #moves = 0
  /** How many of the moves {@link LifecycleView.news} has told. */
  #told = 0
  #endpoint: string | null = null

  constructor(id: number, { env, noun }: RecordOf<'lifecycle'>, host: ViewHost) {
    this.id = id
    this.#host = host
    this.#name = tidyText(env.name)
    this.#clock = env.clock
    this.#noun = new WeakRef(noun)
    this.#state = noun.state
    this.#seenAt = host.wall()
    this.#history = [[this.#seenAt, noun.state.phase]]
    // Ends with the lifecycle, which holds it; so that nothing here keeps it from being garbage.
    void noun.state$.forEach((state) => this.#see(state))
  }

  row(): InspectedLifecycle | null {
    return this.#noun.deref() === undefined ? null : this.#rowWith(this.#history.slice())
  }

  /** With those changes only that it has not told. */
  news(): InspectedLifecycle | null {
    const fresh = Math.min(this.#moves - this.#told, changesKept)
    this.#told = this.#moves
    return this.#noun.deref() === undefined
      ? null
      : this.#rowWith(fresh === 0 ? [] : this.#history.slice(-fresh))
  }

  shownUntil(): WallMillis {
    const { phase } = this.#state
    if (this.#noun.deref() === undefined) return 0
    return phase === 'closed' || phase === 'failed' ? this.#seenAt + shownAfter[phase] : Infinity
  }

  #see(state: LifecycleState): void {
    if (state === this.#state) return
    const isMove = state.phase !== this.#state.phase
    this.#state = state
    if (state.phase === 'dialing') this.#endpoint = state.endpoint?.uri ?? this.#endpoint
    if (isMove) {
      this.#seenAt = this.#host.wall()
      this.#moves += 1
      this.#history.push([this.#seenAt, state.phase])
      if (this.#history.length > changesKept) this.#history.shift()
    }
    this.#host.changed(this)
  }

  #rowWith(history: readonly PhaseChange[]): InspectedLifecycle {
    const state = this.#state
    return {
      id: this.id,
      name: this.#name,
      phase: state.phase,
      since: this.#seenAt,
      ...(this.#endpoint !== null && { endpoint: tidyText(this.#endpoint) }),
      ...('attempt' in state && { attempt: state.attempt }),
      ...('retryAt' in state && { retryAt: this.#wallOf(state.retryAt) }),
      ...('link' in state && state.link !== null && { link: state.link }),
      ...('stable' in state && { stable: state.stable }),
      ...('inFlight' in state && { inFlight: state.inFlight }),
      ...('why' in state && { why: tidyEnd(state.why) }),
      moves: this.#moves,
      history,
    }
  }

  /** A point on the lifecycle's own clock. */
  #wallOf(at: number): WallMillis {
    return Math.round(this.#host.wall() + at - this.#clock.now())
  }
}
