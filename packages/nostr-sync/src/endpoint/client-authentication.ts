import { randomBytes } from 'node:crypto'
import type { NostrEvent } from '../wire/event.js'
import { kinds } from '../wire/kinds.js'
import { normalizeRelayUrl } from '../wire/relay-url.js'
import { tagValue } from '../wire/tags.js'
import type { Client } from './client.js'
import type { EndpointAuth } from './types.js'

/** How far the date of an answer may be off, in seconds (NIP-42). */
const maxSkewSecs = 600

/** Who a client has proved to be (NIP-42). */
export class ClientAuthentication {
  readonly #client: Client
  readonly #auth: EndpointAuth
  readonly #challenge = randomBytes(16).toString('hex')
  readonly #proved = new Set<string>()

  /** Sends the challenge. */
  constructor(client: Client, auth: EndpointAuth) {
    this.#client = client
    this.#auth = auth
    client.send({ kind: 'auth', challenge: this.#challenge })
  }

  /** Why a request is refused; null if it is not. */
  get refusal(): string | null {
    if (this.#auth.required !== true || this.#proved.size > 0) return null
    return 'auth-required: this relay serves those who authenticate'
  }

  /** AUTH. */
  receive(event: NostrEvent): void {
    const { scope } = this.#client
    const why = this.#faultOf(event)
    if (why !== null) {
      this.#answer(event, why)
      return
    }
    const done = scope.guard((isValid: boolean) => {
      if (!isValid) this.#answer(event, 'invalid: the signature is not the author’s')
      else if (this.#auth.allows?.(event.pubkey) === false)
        this.#answer(event, 'restricted: you are not on the list')
      else {
        // Whoever proves to be thousands gains nothing by it.
        if (this.#proved.size < 16) this.#proved.add(event.pubkey)
        this.#answer(event, null)
      }
    })
    if (this.#auth.verifier.submit(event, (verdict) => done(verdict === 'valid')) === 'refused')
      this.#answer(event, 'rate-limited: too busy to check it; try again')
  }

  #faultOf({ kind, created_at, tags }: NostrEvent): string | null {
    if (kind !== kinds.auth) return `invalid: not of kind ${kinds.auth}`
    if (tagValue({ tags }, 'challenge') !== this.#challenge) return 'invalid: another challenge'
    const url = normalizeRelayUrl(tagValue({ tags }, 'relay') ?? '')
    if (url === null || url !== normalizeRelayUrl(this.#auth.url)) return 'invalid: another relay'
    const skew = Math.abs(created_at - this.#client.shared.env.clock.wall() / 1000)
    return skew > maxSkewSecs ? 'invalid: created_at is too far from now' : null
  }

  #answer({ id }: NostrEvent, why: string | null): void {
    this.#client.send({ kind: 'ok', id, accepted: why === null, text: why ?? '' })
  }
}
