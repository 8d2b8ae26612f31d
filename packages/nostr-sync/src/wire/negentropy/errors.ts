import { HoldfastError } from '@holdfast/core'

/** A peer's negentropy message cannot be understood, or asks for more than is allowed. Code `HF_NOSTR_NEGENTROPY`. */
export class NegentropyError extends HoldfastError {
  override readonly name: string = 'NegentropyError'

  constructor(what: string) {
    super('HF_NOSTR_NEGENTROPY', `negentropy: ${what}`)
  }
}
