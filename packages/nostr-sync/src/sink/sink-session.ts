import { type Env, end, type LinkProtocol, type LinkScope, type Timer } from '@holdfast/core'
import type { RelayChannel } from '../relay/channel.js'
import { NegentropyExchange } from '../relay/negentropy-exchange.js'
import { RelayDialogue } from '../relay/relay-dialogue.js'
import type { EventSigner } from '../relay/signer.js'
import { splitByTime } from '../sync/negentropy-plan.js'
import type { NostrEvent } from '../wire/event.js'
import type { Filter } from '../wire/filter.js'
import { refusalPrefix } from '../wire/refusal.js'
import type { SinkProgress } from './sink-progress.js'
import { type SentEvent, Unanswered } from './unanswered.js'

/** What a session needs of its sink. */
export interface SinkSessionContext {
  readonly url: string
  readonly signer: EventSigner | null
  readonly progress: SinkProgress
  readonly env: Pick<Env, 'clock' | 'log' | 'random'>
  /** Whether the relay is asked what it lacks; by `off` it is sent everything. */
  readonly negentropy: 'auto' | 'off'
}

const mostUnanswered = 100
const answerWithin = 30_000
/** As long as a rate limit is respected elsewhere (R84). */
const coolDown = 65_000
const frameLimit = 60_000

/** One connection with the relay that events go to: first what it lacks, then what is saved, each until it is answered. */
export class SinkSession implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #context: SinkSessionContext
  readonly #dialogue: RelayDialogue
  readonly #channel: RelayChannel
  readonly #unanswered = new Unanswered(mostUnanswered)
  /** To be sent before anything else: what was refused for a passing reason. */
  readonly #again: SentEvent[] = []
  #missing: Iterator<NostrEvent> | null = null
  #hasAnswered = false
  #isFull = false
  #isCooling = false
  #isAuthenticating = false
  #patience: Timer | null = null

  constructor(scope: LinkScope, context: SinkSessionContext) {
    const { env, url, signer, progress } = context
    this.#scope = scope
    this.#context = context
    this.#dialogue = new RelayDialogue(
      { scope, env, url, signer },
      {
        ok: (id, accepted, text) => this.#answered(id, accepted, text),
        complaint: (about) => about === 'rate-limit' && this.#coolDown(),
        sent: (_, outcome) => outcome === 'full' && (this.#isFull = true),
      },
    )
    this.#channel = this.#dialogue.channel
    scope.ready()
    scope.defer(progress.onMore(() => this.#pump()))
    const begin = progress.begin()
    if (begin === 'resumed') this.#pump()
    else if (context.negentropy === 'auto') this.#lookForMissing(progress.filters)
    else {
      for (const filter of progress.filters) progress.lacksAll(filter)
      this.#lookForMissing([])
    }
  }

  message(raw: Uint8Array | string): void {
    this.#dialogue.message(raw)
  }

  writable(): void {
    this.#isFull = false
    this.#pump()
  }

  probe(): void {
    this.#scope.link.ping?.()
  }

  /** Asks the relay what it lacks of these filters; a relay that cannot say gets all of it again. */
  #lookForMissing([filter, ...rest]: readonly Filter[]): void {
    const { progress, env } = this.#context
    if (filter === undefined) {
      this.#missing = progress.missing()
      this.#pump()
      return
    }
    const next = this.#scope.guard((more: readonly Filter[]) => this.#lookForMissing([...more, ...rest]))
    const failed = this.#scope.guard((cause: unknown) => {
      const detail = 'what the relay lacks could not be found out'
      this.#scope.fail(end('protocol-error', { detail, cause }))
    })
    progress.items(filter).then((items) => {
      const exchange = new NegentropyExchange(this.#channel, {
        filter,
        items,
        frameLimit,
        done: (outcome) => {
          if (outcome.kind === 'reconciled') progress.lacks(outcome.have)
          else if (outcome.kind === 'too-large') {
            const halves = splitByTime(filter, this.#channel.wallSeconds())
            if (halves !== null) {
              next(halves)
              return
            }
            progress.lacksAll(filter)
          } else {
            env.log.info(
              { url: this.#context.url, outcome: outcome.kind },
              'the relay has no negentropy: it is sent everything',
            )
            progress.lacksAll(filter)
          }
          next([])
        },
      })
      exchange.start(() => undefined)
    }, failed)
  }

  #pump(): void {
    while (!this.#isFull && !this.#isCooling && !this.#isAuthenticating && !this.#unanswered.isFull) {
      const next = this.#next()
      if (next === null) break
      this.#unanswered.add(next)
      this.#channel.send({ kind: 'event', event: next.event })
    }
    this.#wait()
    const { progress } = this.#context
    if (this.#missing === null && this.#again.length === 0 && this.#unanswered.size === 0) progress.idle()
  }

  #next(): SentEvent | null {
    const again = this.#again.shift()
    if (again !== undefined) return again
    const { progress } = this.#context
    if (this.#missing !== null) {
      const { value, done } = this.#missing.next() as IteratorResult<NostrEvent, undefined>
      if (done !== true) return { event: value, position: null }
      // What is under way may still be lost with the link: then all of this comes again.
      if (this.#unanswered.size > 0) return null
      this.#missing = null
      progress.caughtUp()
    }
    const sent = progress.next()
    if (sent !== 'too-old') return sent
    this.#scope.fail(
      end('overflow', { detail: 'the relay takes less than comes in; it is asked anew what it lacks' }),
    )
    return null
  }

  #answered(id: string, accepted: boolean, text: string): void {
    const sent = this.#unanswered.answered(id)
    if (sent === null) return
    this.#hasAnswered = true
    const { progress, env, url } = this.#context
    const prefix = refusalPrefix(text)
    if (accepted || prefix === 'duplicate') progress.delivered()
    else if (prefix === 'rate-limited') {
      this.#again.push(sent)
      this.#coolDown()
    } else if (prefix === 'auth-required') {
      this.#again.push(sent)
      this.#authenticate()
    } else {
      env.log.debug({ url, id, text }, 'an event is not wanted there')
      progress.refused()
    }
    progress.answeredUpTo(this.#firstUnanswered())
    this.#patience?.cancel()
    this.#patience = null
    this.#pump()
  }

  #firstUnanswered(): number | null {
    const waiting = this.#again.flatMap(({ position }) => (position === null ? [] : [position]))
    const first = this.#unanswered.firstPosition()
    return waiting.length === 0 ? first : Math.min(...waiting, first ?? Infinity)
  }

  #authenticate(): void {
    if (this.#isAuthenticating) return
    this.#isAuthenticating = true
    this.#dialogue.authentication.require((isIn) => {
      this.#isAuthenticating = false
      if (!isIn) this.#context.progress.refused(this.#again.splice(0).length)
      this.#pump()
    })
  }

  #coolDown(): void {
    if (this.#isCooling) return
    this.#isCooling = true
    this.#channel.after(coolDown, () => {
      this.#isCooling = false
      this.#pump()
    })
  }

  #wait(): void {
    if (this.#unanswered.size === 0 || this.#patience !== null) return
    this.#patience = this.#channel.after(answerWithin, () => {
      const detail = `no OK for ${answerWithin} ms`
      // Who is waited for, and says OK to nothing, will not at the next time either.
      const isHopeless = !this.#hasAnswered && !this.#context.progress.isFollowing
      this.#scope.fail(end('silent', { detail, ...(isHopeless && { advice: { kind: 'never' } }) }))
    })
  }
}
