import { HoldfastError } from '@holdfast/core'

/** No back end checks signatures rightly here, or its threads cannot be started. Code `HF_NOSTR_VERIFIER_UNAVAILABLE`. */
export class VerifierError extends HoldfastError {
  override readonly name: string = 'VerifierError'

  constructor(what: string, options?: ErrorOptions) {
    super('HF_NOSTR_VERIFIER_UNAVAILABLE', what, options)
  }
}
