import type { LinkScope, Off } from '@holdfast/core'
import type { NostrEvent } from '../wire/event.js'
import type { EventSource } from './event-source.js'
import type { Intake, IntakeOutcome } from './types.js'

/**
 * Offers what comes over one link, and reads no more of that link while the intake is full: a peer that sends faster than
 * signatures are checked waits in its own socket.
 */
export class LinkIntake {
  readonly #intake: Intake
  readonly #from: EventSource
  readonly #scope: Pick<LinkScope, 'link' | 'guard'>
  #resume: Off | null = null

  constructor(intake: Intake, from: EventSource, scope: Pick<LinkScope, 'link' | 'guard' | 'defer'>) {
    this.#intake = intake
    this.#from = from
    this.#scope = scope
    scope.defer(
      intake.onRoom(() => {
        this.#resume?.()
        this.#resume = null
      }),
    )
  }

  /**
   * Offers an event. While the intake is full the link is not read.
   *
   * @param done - told what became of it, unless the link has ended by then
   */
  offer(event: NostrEvent, done?: (outcome: IntakeOutcome) => void): void {
    const told = done && this.#scope.guard(done)
    if (this.#intake.offer(event, this.#from, told) === 'full') this.#resume ??= this.#scope.link.pause()
  }
}
