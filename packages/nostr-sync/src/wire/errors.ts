import { HoldfastError } from '@holdfast/core'

/** A frame is no message of this protocol. Code `HF_NOSTR_BAD_MESSAGE`. */
export class MessageError extends HoldfastError {
  override readonly name: string = 'MessageError'

  constructor(what: string, received: string, options?: ErrorOptions) {
    super('HF_NOSTR_BAD_MESSAGE', `${what}: ${excerpt(received)}`, options)
  }
}

/** What a peer sent, cut short for a message or a log. */
export function excerpt(text: string, characters = 80): string {
  return JSON.stringify(text.length > characters ? `${text.slice(0, characters)}…` : text)
}
