import type { Millis, Off } from '../end.js'
import type { Env, Timer } from '../env/types.js'
import type { Keepalive, Link } from './types.js'

/** What a {@link KeepaliveWatch} asks of the link's run. */
export interface Watched {
  readonly link: Pick<Link, 'accepted'>
  /** Set by whatever is heard; the watch takes it back. A flag, because reading the clock for each chunk is dear. */
  heardSinceSweep: boolean
  probe(): void
  silent(kind: 'silent' | 'suspect-after-sleep'): void
}

/**
 * Judges liveness on the shared wheel, in whole sweeps. A sweep counts for at most its own length, so neither a
 * stall of our loop nor the host's sleep makes a peer look silent: what has arrived meanwhile is read first (I24).
 */
export class KeepaliveWatch {
  readonly #watched: Watched
  readonly #keepalive: Keepalive
  readonly #every: Millis
  readonly #timer: Timer
  readonly #unwatch: Off
  #armed: boolean
  #suspect = false
  #silentFor: Millis = 0
  #sweptAt: Millis
  #quietSince: Millis
  #accepted: number

  constructor(env: Env, keepalive: Keepalive, watched: Watched) {
    const { sendEvery = Infinity, hearWithin = Infinity, arm } = keepalive
    this.#watched = watched
    this.#keepalive = keepalive
    this.#armed = arm === 'at-open'
    this.#every = Math.max(10, Math.min(1000, sendEvery / 8, hearWithin / 8))
    this.#sweptAt = this.#quietSince = env.clock.now()
    this.#accepted = watched.link.accepted
    this.#timer = env.clock.sweep(this.#every, (now) => this.#sweep(now))
    this.#unwatch = env.clock.onDisturbance((d) => {
      if (d.kind === 'slept') this.#wake()
    })
  }

  arm(): void {
    this.#armed = true
  }

  stop(): void {
    this.#timer.cancel()
    this.#unwatch()
  }

  /** The peer may have given us up while the host slept: ask, and wait half as long as usual for an answer. */
  #wake(): void {
    const { hearWithin } = this.#keepalive
    this.#watched.probe()
    if (!this.#armed || hearWithin === undefined) return
    this.#suspect = true
    this.#silentFor = Math.max(this.#silentFor, hearWithin / 2)
  }

  #sweep(now: Millis): void {
    const passed = Math.min(now - this.#sweptAt, this.#every)
    const { sendEvery, hearWithin } = this.#keepalive
    if (sendEvery !== undefined) this.#speak(now, sendEvery)
    this.#sweptAt = now
    if (this.#watched.heardSinceSweep) {
      this.#watched.heardSinceSweep = false
      this.#silentFor = 0
      this.#suspect = false
    } else if (this.#armed) {
      this.#silentFor += passed
      if (hearWithin !== undefined && this.#silentFor >= hearWithin) {
        this.#watched.silent(this.#suspect ? 'suspect-after-sleep' : 'silent')
      }
    }
  }

  /** A write is known to the sweep only, so it is taken to be as old as it can be, and the gap stays below. */
  #speak(now: Millis, sendEvery: Millis): void {
    const { accepted } = this.#watched.link
    if (accepted !== this.#accepted) {
      this.#accepted = accepted
      this.#quietSince = this.#sweptAt
    }
    if (now + this.#every <= this.#quietSince + sendEvery) return
    this.#watched.probe()
    this.#accepted = this.#watched.link.accepted
    this.#quietSince = now
  }
}
