import type { Millis, Off } from '../end.js'

/** Milliseconds since the Unix epoch: civil time, for protocol fields and persisted stamps only. */
export type WallStamp = Millis

/** A pending call of {@link Clock.after} or {@link Clock.sweep}. */
export interface Timer {
  /** Drops the call; harmless when it has already run. */
  cancel(): void
  /** Lets the process exit although the call is pending. */
  unref(): Timer
}

/** A moment remembered on all three hands of a {@link Clock}. Opaque; may be persisted as JSON. */
export interface Mark {
  readonly __mark: never
}

/** Something that disturbed the passing of time. */
export interface Disturbance {
  /** `slept`: the host was suspended; `stalled`: our own event loop stood still; `wall-step`: civil time was set. */
  readonly kind: 'slept' | 'stalled' | 'wall-step'
  /** By how much, in milliseconds; negative only for a wall clock set back. */
  readonly by: Millis
}

/** The only source of time. Tests pass a virtual one. */
export interface Clock {
  /** Monotonic; stands still while the host sleeps. */
  now(): Millis
  /** Civil time: protocol fields and persisted stamps only. */
  wall(): WallStamp
  /** Remembers this moment for {@link Clock.since}. */
  mark(): Mark
  /** Time passed since a mark: counts host sleep, is never negative, falls back to wall time across restarts. */
  since(mark: Mark): Millis
  /** Calls `fn` once, `ms` from now. Holds the process until then unless {@link Timer.unref} is called. */
  after(ms: Millis, fn: () => void): Timer
  /** Calls `fn` every `ms` on a shared coarse wheel; meant for liveness. Does not hold the process. */
  sweep(ms: Millis, fn: (now: Millis) => void): Timer
  /** Reports host sleep, stalls of our own loop and steps of the wall clock, after they happened. */
  onDisturbance(fn: (d: Disturbance) => void): Off
}

/** A small log interface that pino's loggers satisfy. */
export interface Log {
  /** Of interest while searching for a fault. */
  debug(fields: object, text: string): void
  /** What an operator may want to follow. */
  info(fields: object, text: string): void
  /** Unexpected, and dealt with. */
  warn(fields: object, text: string): void
  /** Something was lost, or somebody has to act. */
  error(fields: object, text: string): void
}

/** Limits how many dials of the process are under way at once, and how many start in a second. */
export interface Admission {
  /** How many are queued. */
  readonly waiting: number
  /**
   * Queues a dial. `go` is called once, when it may start, possibly before `enter` returns; the caller then
   * calls `leave` when the dial has opened or failed. Calling `leave` again does nothing.
   *
   * @param who - for the log
   * @returns withdraws the request; after `go` it does nothing
   */
  enter(who: string, go: (leave: () => void) => void): Off
}

/**
 * Names of the trace channels: one for each verb that an operator may want to follow, and `noun`, which has a
 * {@link NounRecord} for each noun that is made.
 */
export type TraceChannel = 'link' | 'lifecycle' | 'move' | 'drain' | 'cursor' | 'roster' | 'noun'

/** What every noun needs of its host. */
export interface Env {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  readonly log: Log
  readonly admission: Admission
  /** Names the owner in logs and traces, for example `relay wss://relay.example`. */
  readonly name: string
  /** Receives what happens, for diagnostics; must not throw. */
  readonly trace?: (channel: TraceChannel, record: object) => void
}
