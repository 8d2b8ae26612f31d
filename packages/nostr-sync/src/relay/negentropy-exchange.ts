import type { Millis, Timer } from '@holdfast/core'
import type { Filter } from '../wire/filter.js'
import type { IdSet } from '../wire/id-set.js'
import { NegentropyError } from '../wire/negentropy/errors.js'
import { negentropyFromHex, negentropyToHex } from '../wire/negentropy/hex.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import { NegentropyInitiator } from '../wire/negentropy/reconciliation.js'
import { closedMeaning, negentropyRefusal, refusesNegentropy } from '../wire/refusal.js'
import type { ReconciliationHandler, RelayChannel } from './channel.js'
import type { Job } from './slots.js'

/** How a reconciliation ended. */
export type ExchangeOutcome =
  | { readonly kind: 'reconciled'; readonly need: IdSet; readonly have: IdSet }
  /** The relay does not have it (R99). */
  | { readonly kind: 'unsupported'; readonly why: string }
  /** More events match than the relay works on (R100). */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'failed'; readonly why: string }

/** What is reconciled. */
export interface Exchange {
  readonly filter: Filter
  /** What we have of it. */
  readonly items: NegentropyItems
  /** Bytes of a message of ours. */
  readonly frameLimit: number
  readonly done: (outcome: ExchangeOutcome) => void
}

const firstAnswerWithin: Millis = 10_000
const nextAnswerWithin: Millis = 30_000
/** A million items that all differ take some hundreds, by frames of 60,000 bytes; more is no progress. */
const mostRounds = 2000

/** One session of negentropy with a relay, from NEG-OPEN to NEG-CLOSE (R96, R99, R100). */
export class NegentropyExchange implements Job, ReconciliationHandler {
  readonly #channel: RelayChannel
  readonly #exchange: Exchange
  #initiator: NegentropyInitiator
  #id = ''
  #release: () => void = () => undefined
  #timer: Timer | null = null
  #isAnswered = false
  #receivedBefore = 0
  #isRestarted = false
  #hasAuthenticated = false
  #rounds = 0

  constructor(channel: RelayChannel, exchange: Exchange) {
    this.#channel = channel
    this.#exchange = exchange
    this.#initiator = this.#initiatorOf()
  }

  start(release: () => void): void {
    this.#release = release
    this.#open()
  }

  message(hex: string): void {
    this.#isAnswered = true
    if (++this.#rounds > mostRounds) {
      this.#close()
      this.#finish({ kind: 'failed', why: `no agreement after ${mostRounds} messages` })
      return
    }
    let next: Uint8Array | null
    try {
      next = this.#initiator.reconcile(negentropyFromHex(hex))
    } catch (error) {
      if (!(error instanceof NegentropyError)) throw error
      this.#close()
      this.#finish({ kind: 'failed', why: error.message })
      return
    }
    if (next === null) {
      const { need, have } = this.#initiator
      this.#close()
      this.#finish({ kind: 'reconciled', need, have })
      return
    }
    this.#channel.send({ kind: 'neg-msg', subscription: this.#id, message: negentropyToHex(next) })
    this.#watch(nextAnswerWithin)
  }

  error(text: string): void {
    this.#forget()
    if (this.#authenticates(text)) return
    const meaning = negentropyRefusal(text)
    if (meaning === 'too-large') this.#finish({ kind: 'too-large' })
    else if (meaning === 'restart' && !this.#isRestarted) {
      this.#isRestarted = true
      this.#initiator = this.#initiatorOf()
      this.#open()
    } else this.#finish({ kind: 'failed', why: text })
  }

  closed(text: string): void {
    this.#forget()
    if (this.#authenticates(text)) return
    this.#finish({ kind: this.#isAnswered ? 'failed' : 'unsupported', why: text })
  }

  notice(text: string): void {
    if (this.#isAnswered || !refusesNegentropy(text)) return
    this.#forget()
    this.#finish({ kind: 'unsupported', why: text })
  }

  /** Refused until we say who we are: begins anew after that, once (R92). */
  #authenticates(text: string): boolean {
    if (closedMeaning(text) !== 'authenticate' || this.#hasAuthenticated) return false
    this.#hasAuthenticated = true
    this.#channel.authenticate((accepted) => {
      if (!accepted) {
        this.#finish({ kind: 'failed', why: text })
        return
      }
      this.#initiator = this.#initiatorOf()
      this.#open()
    })
    return true
  }

  #initiatorOf(): NegentropyInitiator {
    const { items, frameLimit } = this.#exchange
    return new NegentropyInitiator(items, { frameLimit, seed: this.#channel.seed() })
  }

  #open(): void {
    this.#id = this.#channel.nextId()
    this.#channel.reconciliations.set(this.#id, this)
    this.#receivedBefore = this.#channel.received
    const message = negentropyToHex(this.#initiator.initiate())
    this.#channel.send({ kind: 'neg-open', subscription: this.#id, filter: this.#exchange.filter, message })
    this.#watch(this.#isAnswered ? nextAnswerWithin : firstAnswerWithin)
  }

  #watch(ms: Millis): void {
    this.#timer?.cancel()
    this.#timer = this.#channel.after(ms, () => {
      this.#close()
      // Who says nothing at all has not refused this: the link is stalled, or gone.
      const isAlive = this.#channel.received > this.#receivedBefore
      const why = `nothing for ${ms} ms`
      this.#finish({ kind: isAlive && !this.#isAnswered ? 'unsupported' : 'failed', why })
    })
  }

  #close(): void {
    this.#channel.send({ kind: 'neg-close', subscription: this.#id })
    this.#forget()
  }

  #forget(): void {
    this.#timer?.cancel()
    this.#channel.reconciliations.delete(this.#id)
  }

  #finish(outcome: ExchangeOutcome): void {
    this.#exchange.done(outcome)
    this.#release()
  }
}
