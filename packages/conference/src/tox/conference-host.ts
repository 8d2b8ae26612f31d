import type { Env, Mark, Millis, RosterTime } from '@holdfast/core'
import type {
  ConferenceNews,
  ConferencesCommand,
  ConferencesEffect,
  ConferencesInput,
  RefusedWhy,
} from '../group/events.js'
import { conferencesStep, emptyConferences } from '../group/machine.js'
import type { ConferencesMachine, ConferencesRules } from '../group/types.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { FriendConnections } from './friends/friend-connections.js'
import type { FriendLink } from './friends/friend-link.js'
import type { Whereabouts } from './whereabouts.js'

/** What the conferences of a node need. */
export interface ConferenceHostOptions {
  readonly env: Env
  readonly self: { readonly realKey: RealKey; readonly dhtKey: DhtKey }
  readonly rules: ConferencesRules
  readonly connections: FriendConnections
  readonly whereabouts: Whereabouts
  readonly tell: (news: ConferenceNews) => void
}

/** The machine of the conferences at work on real links: one step after the other, each carried out before the next. */
export class ConferenceHost {
  readonly #options: ConferenceHostOptions
  readonly #begun: { readonly mark: Mark; readonly wall: Millis }
  readonly #queue: ConferencesInput[] = []
  #machine: ConferencesMachine
  #isRunning = false
  #refused: RefusedWhy | null = null

  constructor(options: ConferenceHostOptions) {
    this.#options = options
    const { clock } = options.env
    this.#begun = { mark: clock.mark(), wall: clock.wall() }
    this.#machine = emptyConferences(options.self)
  }

  /** What there is, as a value. */
  get machine(): ConferencesMachine {
    return this.#machine
  }

  /** Does what the application asks for; why not, or `null` if it was done. */
  do(command: ConferencesCommand): RefusedWhy | null {
    this.#refused = null
    this.take(command)
    return this.#refused
  }

  /** A friend connection came up. */
  up({ realKey, dhtKey }: FriendLink): void {
    this.take({ kind: 'link-up', realKey, dhtKey })
  }

  /** A friend connection went down. */
  down(realKey: RealKey): void {
    this.take({ kind: 'link-down', realKey })
  }

  /** Lets the machine take a step. During a step it waits for its turn. */
  take(input: ConferencesInput): void {
    // A packet is lent, and may have to wait.
    this.#queue.push(
      this.#isRunning && input.kind === 'packet' ? { ...input, bytes: Uint8Array.from(input.bytes) } : input,
    )
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#step(next)
    } finally {
      this.#isRunning = false
    }
  }

  #step(input: ConferencesInput): void {
    const { env, rules } = this.#options
    const context = { at: this.#at(), random: () => env.random(), rules }
    const { state, effects } = conferencesStep(this.#machine, input, context)
    this.#machine = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: ConferencesEffect): void {
    const { connections, whereabouts, tell } = this.#options
    switch (effect.kind) {
      case 'send':
        connections.get(effect.to)?.send(effect.packet)
        return
      case 'send-lossy':
        connections.get(effect.to)?.sendLossy(effect.packet)
        return
      case 'want':
        connections.lease(effect.realKey, `conference ${effect.conference}`)
        if (effect.dhtKey !== null) whereabouts.tell(effect.realKey, effect.dhtKey)
        connections.nudge(effect.realKey)
        return
      case 'release':
        connections.release(effect.realKey, `conference ${effect.conference}`)
        return
      case 'tell':
        tell(effect.news)
        return
      case 'refused':
        this.#refused = effect.why
    }
  }

  /** The machine's clock has whole seconds (spec 1). */
  #at(): RosterTime {
    const { clock } = this.#options.env
    const { mark, wall } = this.#begun
    return { beat: seconds(clock.now()), stamp: seconds(wall + clock.since(mark)) }
  }
}

function seconds(ms: Millis): Millis {
  return Math.floor(ms / 1000) * 1000
}
