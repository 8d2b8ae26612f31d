import { hasMethod, wait } from '../budget.js'
import type { Millis } from '../end.js'
import type { Clock, Timer } from '../env/types.js'
import { Interpreter, type Step } from '../interpreter.js'
import { type GateEffect, type GateEvent, type GateMachine, gateStep, openGate } from './machine.js'
import type { DrainReport, Gate, Ticket } from './types.js'

/**
 * Makes an open gate.
 *
 * @example
 * ```ts
 * import { gate } from '@holdfast/core'
 * import { VirtualClock } from '@holdfast/core/testing'
 *
 * const clock = new VirtualClock()
 * const requests = gate({ clock })
 * const ticket = requests.enter('GET /')
 * const report = requests.drain({ within: 1000 })
 * requests.enter('GET /late') // => null
 * ticket?.done()
 * await report // => { finished: 1, cut: [], took: 0, timedOut: false }
 * ```
 */
export function gate(options: { readonly clock: Clock }): Gate {
  hasMethod('clock.now', options.clock)
  return new GateInterpreter(options.clock)
}

class HeldTicket implements Ticket {
  readonly label: string
  readonly #gate: GateInterpreter
  cut = false

  constructor(label: string, gate: GateInterpreter) {
    this.label = label
    this.#gate = gate
  }

  done(): void {
    this.#gate.done(this)
  }
}

/** Runs the gate's machine, and knows which ticket is which. */
export class GateInterpreter extends Interpreter<GateMachine, GateEvent, GateEffect> implements Gate {
  readonly #clock: Clock
  readonly #tickets = new Set<HeldTicket>()
  /** Held by whoever awaits a drain: neither waited for nor reported, yet cut when the link ends. */
  #excused: Set<HeldTicket> | undefined
  #timer: Timer | undefined
  #report: DrainReport | undefined
  #awaiting: ((report: DrainReport) => void)[] = []
  #watcher: ((inFlight: number) => void) | undefined

  constructor(clock: Clock) {
    super(openGate)
    this.#clock = clock
  }

  get state(): Gate['state'] {
    return this.machine.phase
  }

  get inFlight(): number {
    return this.#tickets.size
  }

  /** Tells how many are in flight whenever that changes; one watcher. */
  watch(fn: (inFlight: number) => void): void {
    this.#watcher = fn
  }

  enter(label: string): Ticket | null {
    const before = this.machine
    this.send({ kind: 'enter' })
    if (this.machine === before) return null
    const ticket = new HeldTicket(label, this)
    this.#tickets.add(ticket)
    return ticket
  }

  done(ticket: HeldTicket): void {
    if (this.#tickets.delete(ticket)) this.send({ kind: 'done', at: this.#clock.now() })
    else this.#excused?.delete(ticket)
  }

  drain(o: { readonly within: Millis; readonly except?: Ticket }): Promise<DrainReport> {
    return new Promise((resolve) => {
      this.#awaiting.push(resolve)
      const except = o.except as HeldTicket | undefined
      let excused = 0
      if (except !== undefined && this.#tickets.delete(except)) {
        excused = 1
        this.#excused ??= new Set()
        this.#excused.add(except)
      }
      this.send({ kind: 'drain', at: this.#clock.now(), within: wait(o.within), excused })
    })
  }

  /** What the gate belongs to has ended: whatever is in flight is cut. */
  cut(): void {
    this.send({ kind: 'cut', at: this.#clock.now() })
    for (const ticket of this.#excused ?? []) ticket.cut = true
    this.#excused = undefined
  }

  protected step(state: GateMachine, event: GateEvent): Step<GateMachine, GateEffect> {
    return gateStep(state, event)
  }

  protected perform(effect: GateEffect): void {
    switch (effect.kind) {
      case 'arm':
        this.#timer?.cancel()
        this.#timer = this.#clock.after(effect.deadline - this.#clock.now(), () => {
          // Hosts' timers may be a fraction of a millisecond early.
          this.send({ kind: 'deadline', at: Math.max(this.#clock.now(), effect.deadline) })
        })
        return
      case 'settle':
        this.#settle()
    }
  }

  protected publish(): void {
    this.#watcher?.(this.machine.inFlight)
  }

  #settle(): void {
    this.#timer?.cancel()
    const state = this.machine
    if (state.phase !== 'closed') return
    if (this.#report === undefined) {
      const cut = [...this.#tickets].map((ticket) => ticket.label)
      for (const ticket of this.#tickets) ticket.cut = true
      this.#tickets.clear()
      this.#report = { finished: state.finished, cut, took: state.took, timedOut: state.timedOut }
    }
    const awaiting = this.#awaiting
    this.#awaiting = []
    for (const resolve of awaiting) resolve(this.#report)
  }
}
