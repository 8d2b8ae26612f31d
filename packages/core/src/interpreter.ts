/** What a machine answers to an event: the next state, and what has to be done about it. */
export interface Step<S, F> {
  readonly state: S
  readonly effects: readonly F[]
}

/**
 * Runs a pure machine to completion: events raised while one is handled wait in a queue, effects are performed
 * and everybody is told of a state before the next event is looked at. Without this, a subscriber that acts on
 * what it is told leaves the next subscriber with a state that is already over.
 */
export abstract class Interpreter<S, E, F> {
  protected machine: S
  #queued: E[] | undefined
  #running = false

  constructor(initial: S) {
    this.machine = initial
  }

  protected abstract step(state: S, event: E): Step<S, F>
  protected abstract perform(effect: F): void
  /** Called once for each event that changed the state, after its effects. */
  protected abstract publish(before: S): void

  /** Whether an event is being handled right now; what is sent meanwhile is handled after it. */
  protected get running(): boolean {
    return this.#running
  }

  protected send(event: E): void {
    if (this.#running) {
      this.#queued ??= []
      this.#queued.push(event)
      return
    }
    this.#running = true
    try {
      this.#handle(event)
      while (this.#queued !== undefined && this.#queued.length > 0) this.#handle(this.#queued.shift() as E)
    } finally {
      this.#running = false
      const next = this.#queued?.shift()
      // An idle interpreter keeps no queue: there may be ten thousand of them.
      if (this.#queued?.length === 0) this.#queued = undefined
      // Something is left only when the environment threw, and that must not hold up what came after.
      if (next !== undefined) this.send(next)
    }
  }

  #handle(event: E): void {
    const before = this.machine
    const { state, effects } = this.step(before, event)
    this.machine = state
    for (const effect of effects) this.perform(effect)
    if (state !== before) this.publish(before)
  }
}
