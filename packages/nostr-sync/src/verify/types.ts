import type { Off } from '@holdfast/core'
import type { NostrEvent } from '../wire/event.js'

/**
 * What a check has found.
 *
 * - `valid`: id and signature are right.
 * - `bad-id`: the id is not that of the content (R89).
 * - `bad-signature`: the author has not signed the id (R90).
 * - `unverified`: not checked, because the verifier was closed or three of its threads died over it. Says nothing about the event.
 */
export type Verdict = 'valid' | 'bad-id' | 'bad-signature' | 'unverified'

/** What does the arithmetic: libsecp256k1 as machine code or as WebAssembly, or plain JavaScript. */
export type SchnorrBackend = 'native' | 'wasm' | 'javascript'

/** Checks ids and signatures of events whose shape is right, elsewhere than on the caller's thread. */
export interface Verifier extends AsyncDisposable {
  readonly backend: SchnorrBackend
  /** Checks that wait or are under way. */
  readonly queued: number
  /**
   * Has an event checked. The same event, submitted again while it waits, is checked once (R78).
   *
   * @param done - called later, never before this returns; must not throw
   * @returns `taken`; `full`: taken, and no more should come until {@link Verifier.onRoom}; `refused`: not taken
   */
  submit(event: NostrEvent, done: (verdict: Verdict) => void): 'taken' | 'full' | 'refused'
  /** Tells when there is room again after `full` or `refused`. Listeners must not throw. */
  onRoom(listener: () => void): Off
  /** Stops the threads; what still waits is `unverified`. Idempotent. */
  close(): Promise<void>
}
