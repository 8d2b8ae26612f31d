import { availableParallelism } from 'node:os'
import { type Env, type Millis, type Off, OptionError } from '@holdfast/core'
import { eventId, type NostrEvent } from '../wire/event.js'
import { VerifierError } from './errors.js'
import { loadSchnorr } from './schnorr.js'
import type { SchnorrBackend, Verdict, Verifier } from './types.js'
import { type BatchOutcome, VerifierThread } from './verifier-thread.js'

/** Options of {@link startVerifier}. */
export interface VerifierOptions {
  readonly env: Pick<Env, 'clock' | 'log'>
  /**
   * Worker threads.
   *
   * @defaultValue one less than there are processors, and at least one
   */
  readonly workers?: number
  /**
   * Checks that may wait before {@link Verifier.submit} says `full`; twice as many, and it refuses.
   *
   * @defaultValue 4096
   */
  readonly maxQueued?: number
  /**
   * What does the arithmetic.
   *
   * @defaultValue machine code, if the package `bcrypto` is installed and could be compiled; else WebAssembly, or plain
   * JavaScript where that cannot be had
   */
  readonly backend?: SchnorrBackend
  /** Told of each event how long its verdict took. Must not throw. */
  readonly onChecked?: (took: Millis) => void
}

/** A check and those who wait for it. */
interface Check {
  /** Id and signature: two events with both of them are one, if their ids are right. */
  readonly key: string
  readonly event: NostrEvent
  readonly since: Millis
  readonly waiting: ((verdict: Verdict) => void)[]
  /** Threads that died over it, or over one that was checked with it. */
  deaths: number
}

/** The fastest first. */
const preferred: readonly SchnorrBackend[] = ['native', 'wasm', 'javascript']
/** Events of one message to a thread: some 30 milliseconds of work. */
const batchEvents = 64
/** After so many deaths an event goes alone: one that kills threads shall not take others with it. */
const aloneAfter = 2
/** After so many it is given up: it is what kills them. */
const mostDeaths = 3

/**
 * Starts a verifier: chooses a back end that judges BIP-340's test vectors rightly, says which in the log, and starts its
 * threads.
 *
 * @throws (rejects) a {@link VerifierError} when there is no such back end
 * @example
 * ```ts
 * import { startVerifier } from '@holdfast/nostr-sync'
 * import { testEnv } from '@holdfast/core/testing'
 *
 * await using verifier = await startVerifier({ env: testEnv(), workers: 1 })
 * const forged = { id: '0'.repeat(64), pubkey: '1'.repeat(64), created_at: 1, kind: 1, tags: [], content: '', sig: '2'.repeat(128) }
 * const verdict = await new Promise((resolve) => verifier.submit(forged, resolve))
 * verdict // => 'bad-id'
 * ```
 */
export async function startVerifier(options: VerifierOptions): Promise<Verifier> {
  const { env, workers = Math.max(1, availableParallelism() - 1), maxQueued = 4096 } = options
  if (!(Number.isSafeInteger(workers) && workers > 0))
    throw new OptionError('workers', 'a whole number above 0', workers)
  if (!(Number.isSafeInteger(maxQueued) && maxQueued > 0))
    throw new OptionError('maxQueued', 'a whole number above 0', maxQueued)
  const backend = await choose(options)
  env.log.info({ backend, workers }, `signatures are checked by ${backend}`)
  return new ThreadedVerifier(options, backend, workers, maxQueued)
}

async function choose({ env, backend }: VerifierOptions): Promise<SchnorrBackend> {
  const failures: unknown[] = []
  for (const candidate of backend === undefined ? preferred : [backend]) {
    try {
      await loadSchnorr(candidate)
      return candidate
    } catch (failure) {
      failures.push(failure)
      // Few have machine code, and nobody needs it.
      const level = candidate === 'native' && backend === undefined ? 'debug' : 'warn'
      env.log[level]({ err: failure }, `signatures cannot be checked by ${candidate}`)
    }
  }
  const what = 'nothing here checks signatures: install tiny-secp256k1 or @noble/curves anew'
  throw new VerifierError(what, { cause: new AggregateError(failures) })
}

class ThreadedVerifier implements Verifier {
  readonly backend: SchnorrBackend
  readonly #options: VerifierOptions
  readonly #threads: readonly VerifierThread[]
  readonly #maxQueued: number
  readonly #checks = new Map<string, Check>()
  #waiting: Check[] = []
  /** Those who wait for a verdict: several may for one check. */
  #queued = 0
  readonly #listeners = new Set<() => void>()
  #isFull = false
  #isScheduled = false
  #closed: Promise<void> | null = null

  constructor(options: VerifierOptions, backend: SchnorrBackend, workers: number, maxQueued: number) {
    this.#options = options
    this.backend = backend
    this.#maxQueued = maxQueued
    this.#threads = Array.from(
      { length: workers },
      () =>
        new VerifierThread(backend, {
          idle: () => this.#dispatch(),
          died: (error) => options.env.log.error({ err: error }, 'a thread that checks signatures died'),
        }),
    )
  }

  get queued(): number {
    return this.#queued
  }

  submit(event: NostrEvent, done: (verdict: Verdict) => void): 'taken' | 'full' | 'refused' {
    if (this.#closed !== null) return 'refused'
    if (eventId(event) !== event.id) {
      queueMicrotask(() => done('bad-id'))
      return 'taken'
    }
    const key = event.id + event.sig
    const known = this.#checks.get(key)
    if (this.#queued >= 2 * this.#maxQueued) {
      this.#isFull = true
      return 'refused'
    }
    if (known === undefined) {
      const check = { key, event, since: this.#options.env.clock.now(), waiting: [done], deaths: 0 }
      this.#checks.set(key, check)
      this.#waiting.push(check)
      this.#schedule()
    } else known.waiting.push(done)
    this.#queued++
    if (this.#queued < this.#maxQueued) return 'taken'
    this.#isFull = true
    return 'full'
  }

  onRoom(listener: () => void): Off {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#listeners.clear()
    await Promise.all(this.#threads.map((thread) => thread.close()))
    this.#waiting = []
    for (const check of [...this.#checks.values()]) this.#settle(check, 'unverified')
  }

  /** Later in this turn, so that what comes in one burst goes in one message. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (this.#waiting.length === 0) return
      if (!thread.isIdle || this.#closed !== null) continue
      const suspect = this.#waiting.slice(0, batchEvents).findIndex(({ deaths }) => deaths >= aloneAfter)
      const checks = this.#waiting.splice(0, suspect === -1 ? batchEvents : Math.max(1, suspect))
      thread.check(
        checks.map(({ event }) => event),
        (outcome) => this.#checked(checks, outcome),
      )
    }
  }

  #checked(checks: readonly Check[], outcome: BatchOutcome): void {
    if (typeof outcome !== 'string') {
      checks.forEach((check, index) => this.#settle(check, outcome[index] ?? 'unverified'))
      return
    }
    for (const check of checks) {
      if (outcome === 'in-work-when-ended') check.deaths++
      if (this.#closed !== null || check.deaths >= mostDeaths) this.#settle(check, 'unverified')
      else this.#waiting.push(check)
    }
    this.#schedule()
  }

  #settle(check: Check, verdict: Verdict): void {
    this.#checks.delete(check.key)
    this.#queued -= check.waiting.length
    const { env, onChecked } = this.#options
    onChecked?.(env.clock.now() - check.since)
    for (const done of check.waiting) done(verdict)
    if (!this.#isFull || this.#queued > this.#maxQueued / 2) return
    this.#isFull = false
    for (const listener of [...this.#listeners]) listener()
  }
}
