import { HoldfastError } from '@holdfast/core'

/** An event was not decided on, because the intake was closed or the verifier gave no verdict. Code `HF_NOSTR_UNDECIDED`. */
export class IntakeError extends HoldfastError {
  override readonly name: string = 'IntakeError'

  constructor(what: string, options?: ErrorOptions) {
    super('HF_NOSTR_UNDECIDED', `${what}; offer the event again`, options)
  }
}
