import type { Verdict, Verifier } from '../../verify/types.js'
import type { NostrEvent } from '../../wire/event.js'

/** A verifier that remembers how often each event was checked; who asks while it is being checked shares that check. */
export class CountingVerifier {
  readonly verifier: Verifier
  readonly #checks = new Map<string, number>()
  readonly #underWay = new Set<string>()

  constructor(inner: Verifier) {
    this.verifier = {
      backend: inner.backend,
      get queued() {
        return inner.queued
      },
      submit: (event, done) => this.#submit(inner, event, done),
      onRoom: (listener) => inner.onRoom(listener),
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    }
  }

  #submit(
    inner: Verifier,
    event: NostrEvent,
    done: (verdict: Verdict) => void,
  ): ReturnType<Verifier['submit']> {
    const answer = inner.submit(event, (verdict) => {
      this.#underWay.delete(event.id)
      done(verdict)
    })
    if (answer !== 'refused') this.#count(event.id)
    return answer
  }

  #count(id: string): void {
    if (this.#underWay.has(id)) return
    this.#underWay.add(id)
    this.#checks.set(id, (this.#checks.get(id) ?? 0) + 1)
  }

  /** Events that were checked. */
  get checked(): number {
    return this.#checks.size
  }

  /** Checks beyond the first. */
  get repeated(): number {
    return [...this.#checks.values()].reduce((sum, times) => sum + times - 1, 0)
  }
}
