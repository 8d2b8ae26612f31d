import type { Millis, Off } from '../end.js'
import type { Clock, Env, Timer } from '../env/types.js'
import type { Keepalive, Link } from './types.js'

/** What a {@link KeepaliveWatch} asks of the link's run. */
export interface Watched {
  readonly link: Pick<Link, 'accepted'>
  /** Whether we have stopped reading ourselves. */
  readonly isPaused: boolean
  /** Set by whatever is heard; the watch takes it back. A flag, because reading the clock for each chunk is dear. */
  heardSinceSweep: boolean
  probe(): void
  silent(kind: 'silent' | 'suspect-after-sleep'): void
}

/**
 * Judges liveness on the shared wheel, in whole sweeps. A sweep counts for at most its own length, so neither a
 * stall of our loop nor the host's sleep makes a peer look silent; and before a peer is given up, what has arrived
 * is read (I24).
 */
export class KeepaliveWatch {
  readonly #watched: Watched
  readonly #keepalive: Keepalive
  readonly #clock: Clock
  readonly #every: Millis
  readonly #timer: Timer
  #verdict: Timer | undefined
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
    this.#clock = env.clock
    this.#armed = arm === 'at-open'
    this.#every = Math.max(1, Math.min(1000, sendEvery / 8, hearWithin / 8))
    this.#sweptAt = this.#quietSince = env.clock.now()
    this.#accepted = watched.link.accepted
    this.#timer = env.clock.sweep(this.#every, (now) => this.#sweep(now))
    this.#unwatch = env.clock.onDisturbance((d) => {
      if (d.kind === 'slept') this.#wake()
    })
  }

  arm(): void {
    if (this.#armed) return
    this.#armed = true
    // The sweep under way began before, and must not count.
    this.#watched.heardSinceSweep = true
  }

  stop(): void {
    this.#timer.cancel()
    this.#verdict?.cancel()
    this.#unwatch()
  }

  /** The peer may have given us up while the host slept: ask, and wait half as long as usual for an answer. */
  #wake(): void {
    const { hearWithin } = this.#keepalive
    this.#watched.probe()
    if (!this.#armed || hearWithin === undefined) return
    this.#suspect = true
    // What was heard before the sleep proves nothing.
    this.#watched.heardSinceSweep = false
    this.#silentFor = hearWithin / 2
    this.#sweptAt = this.#clock.now()
  }

  #sweep(now: Millis): void {
    const passed = Math.min(now - this.#sweptAt, this.#every)
    const { sendEvery, hearWithin } = this.#keepalive
    if (sendEvery !== undefined) this.#speak(now, sendEvery)
    this.#sweptAt = now
    if (this.#watched.heardSinceSweep || this.#watched.isPaused) {
      this.#watched.heardSinceSweep = false
      this.#silentFor = 0
      this.#suspect = false
    } else if (this.#armed) {
      this.#silentFor += passed
      if (hearWithin !== undefined && this.#silentFor >= hearWithin) this.#doubt()
    }
  }

  /** A loop that stood still runs its timers before it reads: the peer gets one more turn of the loop to be heard. */
  #doubt(): void {
    this.#verdict ??= this.#clock.after(0, () => {
      this.#verdict = undefined
      if (this.#watched.heardSinceSweep || this.#watched.isPaused) return
      this.#watched.silent(this.#suspect ? 'suspect-after-sleep' : 'silent')
    })
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
