import { eventId, type NostrEvent } from '@holdfast/nostr-sync'

/** An author, by a letter. */
export const author = (letter: string): string => Buffer.from(letter.repeat(32)).toString('hex')

/** An event whose id is right and whose signature is not: for what does not look at signatures. */
export function madeEvent(parts: Partial<Omit<NostrEvent, 'id' | 'sig'>> = {}): NostrEvent {
  const unsigned = { pubkey: author('a'), created_at: 1000, kind: 1, tags: [], content: '', ...parts }
  return { id: eventId(unsigned), ...unsigned, sig: '0'.repeat(128) }
}
