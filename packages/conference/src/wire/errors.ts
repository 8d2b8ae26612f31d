import { HoldfastError } from '@holdfast/core'

/** A Tox save file cannot be understood; it is left as it is. Code `HF_TOX_SAVE_FILE`. */
export class SaveFileError extends HoldfastError {
  override readonly name: string = 'SaveFileError'

  constructor(message: string, options?: ErrorOptions) {
    super('HF_TOX_SAVE_FILE', message, options)
  }
}
