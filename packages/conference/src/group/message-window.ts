import { messageIds } from '../wire/packets.js'

/** A message of some author that was seen. */
export interface SeenMessage {
  readonly messageNumber: number
  readonly messageId: number
}

/** How many messages of each author are remembered. */
const remembered = 8

/** Whether message number `a` comes after `b`; numbers wrap around (spec 5, T8). */
export function isGreater(a: number, b: number): boolean {
  return (a - b - 1) >>> 0 <= 2 ** 31
}

/**
 * Remembers a message, unless it was seen, is older than all that are remembered, or is a Name or Title that a
 * newer one has overtaken (spec 5, T8).
 *
 * @param seen - at most eight, in descending order
 * @returns what is remembered from now on; `null` if the message is to be dropped
 */
export function remember(
  seen: readonly SeenMessage[],
  messageNumber: number,
  messageId: number,
): readonly SeenMessage[] | null {
  const overtakable = messageId === messageIds.name || messageId === messageIds.title
  let index = 0
  for (const other of seen) {
    if (isGreater(messageNumber, other.messageNumber)) break
    if (other.messageNumber === messageNumber) return null
    if (overtakable && other.messageId === messageId) return null
    index += 1
  }
  if (index === remembered) return null
  return seen.slice(0, remembered - 1).toSpliced(index, 0, { messageNumber, messageId })
}
