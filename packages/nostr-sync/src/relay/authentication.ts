import type { Millis, Timer } from '@holdfast/core'
import { kinds } from '../wire/kinds.js'
import type { RelayUrl } from '../wire/relay-url.js'
import type { RelayChannel } from './channel.js'
import type { EventSigner } from './signer.js'

const okWithin: Millis = 10_000

type Phase =
  | { readonly kind: 'unasked' }
  | { readonly kind: 'waiting'; readonly id: string | null; readonly timer: Timer }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }

/** Proves to a relay who we are, when it asks for that and there is a key (NIP-42, R92). */
export class Authentication {
  readonly #channel: RelayChannel
  readonly #url: RelayUrl
  readonly #signer: EventSigner | null
  #challenge: string | null = null
  #phase: Phase = { kind: 'unasked' }
  #waiting: ((accepted: boolean) => void)[] = []

  constructor(channel: RelayChannel, url: RelayUrl, signer: EventSigner | null) {
    this.#channel = channel
    this.#url = url
    this.#signer = signer
  }

  /** The relay has sent a challenge: the latest is the one that counts. */
  challenge(text: string): void {
    this.#challenge = text
    if (this.#phase.kind === 'waiting' && this.#phase.id === null) this.#answer()
  }

  /** Something was refused until we say who we are. @param then - told once whether asking again is of use */
  require(then: (accepted: boolean) => void): void {
    if (this.#signer === null && this.#phase.kind === 'unasked') {
      this.#phase = { kind: 'refused' }
      this.#tell('the relay answers only who says who they are, and there is no key to do so with')
    }
    // Refused although accepted: another try would end the same.
    if (this.#signer === null || this.#phase.kind === 'refused') {
      then(false)
      return
    }
    if (this.#phase.kind === 'accepted') {
      then(true)
      return
    }
    this.#waiting.push(then)
    if (this.#phase.kind === 'waiting') return
    const timer = this.#channel.after(okWithin, () => this.#settle(false))
    this.#phase = { kind: 'waiting', id: null, timer }
    if (this.#challenge !== null) this.#answer()
  }

  /** The relay has said OK to an event. */
  ok(id: string, accepted: boolean): void {
    if (this.#phase.kind === 'waiting' && this.#phase.id === id) this.#settle(accepted)
  }

  #answer(): void {
    const phase = this.#phase
    if (phase.kind !== 'waiting' || this.#signer === null || this.#challenge === null) return
    const event = this.#signer.sign({
      created_at: this.#channel.wallSeconds(),
      kind: kinds.auth,
      tags: [
        ['relay', this.#url],
        ['challenge', this.#challenge],
      ],
      content: '',
    })
    this.#phase = { ...phase, id: event.id }
    this.#channel.send({ kind: 'auth', event })
  }

  /** Once for a link: without this nobody would know why nothing comes. */
  #tell(what: string): void {
    this.#channel.log.warn({ relay: this.#url }, what)
  }

  #settle(accepted: boolean): void {
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel()
    this.#phase = { kind: accepted ? 'accepted' : 'refused' }
    if (!accepted) this.#tell('the relay does not take our word for who we are')
    const waiting = this.#waiting
    this.#waiting = []
    for (const then of waiting) then(accepted)
  }
}
