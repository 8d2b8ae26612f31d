import type { RosterTime } from '@holdfast/core'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { ConferenceNews, ConferencesCommand, ConferencesEffect, RefusedWhy, ThawedBy } from './events.js'
import type { Conference, ConferencesContext, ConferencesMachine } from './types.js'

/** One step in the making: the machine as it has come to be so far, and what has to be done about it. */
export class Turn {
  readonly effects: ConferencesEffect[] = []
  readonly context: ConferencesContext
  readonly #conferences = new Map<number, ConferenceTurn>()
  #machine: ConferencesMachine
  /** The one that the machine does not have yet as it has come to be. */
  #changed: ConferenceTurn | null = null

  constructor(machine: ConferencesMachine, context: ConferencesContext) {
    this.#machine = machine
    this.context = context
  }

  get machine(): ConferencesMachine {
    const changed = this.#changed
    if (changed === null) return this.#machine
    this.#changed = null
    const conferences = this.#machine.conferences.set(changed.number, changed.state)
    this.#machine = { ...this.#machine, conferences }
    return this.#machine
  }

  get at(): RosterTime {
    return this.context.at
  }

  set(change: Partial<ConferencesMachine>): void {
    this.#machine = { ...this.machine, ...change }
  }

  /** A conference has changed, and may go on doing so: it is put into the machine when somebody looks. */
  changed(conference: ConferenceTurn): void {
    if (this.#changed === conference) return
    this.#machine = this.machine
    this.#changed = conference
  }

  /** The conference that we call so. */
  conference(number: number): ConferenceTurn | null {
    const known = this.#conferences.get(number)
    if (known) return known
    const state = this.machine.conferences.get(number)
    if (state === undefined) return null
    const turn = new ConferenceTurn(this, state)
    this.#conferences.set(number, turn)
    return turn
  }

  /** The conferences that this step has looked at. */
  get visited(): Iterable<ConferenceTurn> {
    return this.#conferences.values()
  }

  /** All conferences, those that are left during the visit excepted. */
  *each(): Generator<ConferenceTurn> {
    for (const number of [...this.machine.conferences.keys()]) {
      const conference = this.conference(number)
      if (conference) yield conference
    }
  }

  /** The conference with this identifier. */
  find(identifier: string): ConferenceTurn | null {
    for (const [number, state] of this.machine.conferences) {
      if (state.identifier === identifier) return this.conference(number)
    }
    return null
  }

  add(state: Conference): ConferenceTurn {
    this.set({ conferences: this.machine.conferences.set(state.number, state) })
    const turn = new ConferenceTurn(this, state)
    this.#conferences.set(state.number, turn)
    this.tell({ kind: 'opened', conference: state.number, identifier: state.identifier })
    return turn
  }

  remove(number: number): void {
    this.set({ conferences: this.machine.conferences.delete(number) })
    this.#conferences.delete(number)
  }

  /** Whether a friend connection to this peer is up. */
  isUp(realKey: RealKey): boolean {
    return this.#machine.links.has(realKey)
  }

  /** The DHT key that the running link proved. */
  provenDhtKey(realKey: RealKey): DhtKey | null {
    return this.#machine.links.get(realKey)?.dhtKey ?? null
  }

  send(to: RealKey, packet: Uint8Array): void {
    if (this.isUp(to)) this.effects.push({ kind: 'send', to, packet })
  }

  sendLossy(to: RealKey, packet: Uint8Array): void {
    if (this.isUp(to)) this.effects.push({ kind: 'send-lossy', to, packet })
  }

  want(realKey: RealKey, dhtKey: DhtKey | null, conference: number): void {
    this.effects.push({ kind: 'want', realKey, dhtKey, conference })
  }

  /** A link that nobody wants any more is closed, and nothing is heard of it again. */
  release(realKey: RealKey, conference: number): void {
    this.effects.push({ kind: 'release', realKey, conference })
    if (!this.isWanted(realKey)) this.set({ links: this.machine.links.delete(realKey) })
  }

  isWanted(realKey: RealKey): boolean {
    if (this.machine.friends.has(realKey)) return true
    for (const conference of this.machine.conferences.values()) {
      if (conference.connections.some((connection) => connection.realKey === realKey)) return true
    }
    return false
  }

  tell(news: ConferenceNews): void {
    this.effects.push({ kind: 'tell', news })
  }

  refuse(command: ConferencesCommand['kind'], why: RefusedWhy): void {
    this.effects.push({ kind: 'refused', command, why })
  }
}

/** One conference in a step. */
export class ConferenceTurn {
  readonly turn: Turn
  /** What is just being heard of somebody. */
  heardBy: ThawedBy = 'message'
  /** Somebody thawed in this step, who was last heard of then. */
  thawedSince: number | null = null
  readonly #before: Conference
  #state: Conference

  constructor(turn: Turn, state: Conference) {
    this.turn = turn
    this.#before = state
    this.#state = state
  }

  get state(): Conference {
    return this.#state
  }

  get number(): number {
    return this.state.number
  }

  get at(): RosterTime {
    return this.turn.at
  }

  set(change: Partial<Conference>): void {
    // A message changes three things of a conference: one copy is enough for the step.
    if (this.#state === this.#before) this.#state = { ...this.#before, ...change }
    else Object.assign(this.#state, change)
    this.turn.changed(this)
  }

  /** Whether the peer number is our own. */
  isSelf(peerNumber: number): boolean {
    return this.state.phase === 'connected' && this.state.selfNumber === peerNumber
  }
}
