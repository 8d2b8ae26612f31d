import { HoldfastError } from '@holdfast/core'

/** A relay's name leads to an address to which strangers shall not make us connect (R4). Code `HF_NOSTR_PRIVATE_TARGET`. */
export class RelayTargetError extends HoldfastError {
  override readonly name: string = 'RelayTargetError'

  constructor(url: string, address: string, what: string) {
    super(
      'HF_NOSTR_PRIVATE_TARGET',
      `${url} is at ${address}, which is ${what}: set allowPrivateTargets if that is meant`,
    )
  }
}
