import { createHash } from 'node:crypto'
import { signSchnorr, xOnlyPointFromScalar } from 'tiny-secp256k1'
import { eventId, type NostrEvent } from '../index.js'

/** What {@link TestAuthor.signs} is told; the rest has a default. */
export type EventParts = Partial<Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>>

/** Somebody who signs events. The key is made of the name, so that a test is the same each time. */
export class TestAuthor {
  readonly pubkey: string
  readonly #key: Uint8Array

  constructor(name: string) {
    this.#key = createHash('sha256').update(`test author ${name}`).digest()
    this.pubkey = Buffer.from(xOnlyPointFromScalar(this.#key)).toString('hex')
  }

  /** The secret key in hex, for programs that sign themselves. */
  get secretKey(): string {
    return Buffer.from(this.#key).toString('hex')
  }

  /** Signs an event; of kind 1 at second 1700000000 unless told otherwise. */
  signs({ created_at = 1_700_000_000, kind = 1, tags = [], content = '' }: EventParts = {}): NostrEvent {
    const unsigned = { pubkey: this.pubkey, created_at, kind, tags, content }
    const id = eventId(unsigned)
    // Without chance, for the same reason as the key.
    const sig = signSchnorr(Buffer.from(id, 'hex'), this.#key, new Uint8Array(32))
    return { id, ...unsigned, sig: Buffer.from(sig).toString('hex') }
  }

  /** Announces a repository (kind 30617). */
  announces(
    identifier: string,
    { relays = [], clone = [], ...parts }: EventParts & { relays?: string[]; clone?: string[] } = {},
  ): NostrEvent {
    const listed = [
      ['relays', ...relays],
      ['clone', ...clone],
    ].filter(({ length }) => length > 1)
    return this.signs({ ...parts, kind: 30617, tags: [['d', identifier], ...listed, ...(parts.tags ?? [])] })
  }
}
