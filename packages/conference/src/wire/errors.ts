import { HoldfastError } from '@holdfast/core'

/** A Tox save file cannot be understood; it is left as it is. Code `HF_TOX_SAVE_FILE`. */
export class SaveFileError extends HoldfastError {
  override readonly name: string = 'SaveFileError'

  constructor(message: string, options?: ErrorOptions) {
    super('HF_TOX_SAVE_FILE', message, options)
  }
}

/**
 * Says why a save file cannot be read, and what to do.
 *
 * @param ifMissing - what to do if there is none: no other trouble goes away by making one
 */
export function whyUnread(path: string, cause: unknown, ifMissing: string): string {
  const { code = String(cause) } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return `${path} is not there: ${ifMissing}`
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be read by this user (${code}): see who owns it and its folder, or name another`
    case 'EISDIR':
      return `${path} is a folder: name a save file in it, or another`
    default:
      return `${path} cannot be read (${code}): see what is at that path, or name another`
  }
}
