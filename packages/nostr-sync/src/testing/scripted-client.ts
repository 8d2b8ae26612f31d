import { end, type Link } from '@holdfast/core'
import {
  type ClientMessage,
  type Filter,
  filterMatcher,
  formatRelayMessage,
  NegentropyResponder,
  type NostrEvent,
  negentropyFromHex,
  negentropyItems,
  negentropyToHex,
  type RelayMessage,
  readClientMessage,
} from '../index.js'
import type { RelayFaults } from './relay-faults.js'

/** What a message of a kind looks like; some kinds share a shape. */
type MessageOf<K, M = ClientMessage> = M extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? M
    : never
  : never

/** What all clients of a scripted relay share. */
export interface ScriptedRelayState {
  readonly faults: RelayFaults
  readonly events: readonly NostrEvent[]
  /** A client published an event. */
  published(event: NostrEvent): void
}

const challenge = 'a challenge'

/** The relay's end of one connection: a relay as simple as can be, with the faults that it is told to have. */
export class ScriptedClient {
  /** What the client has sent, as it was. */
  readonly received: string[] = []
  /** What it was sent. */
  readonly sent: string[] = []
  readonly #link: Link
  readonly #relay: ScriptedRelayState
  readonly #live = new Map<string, (event: NostrEvent) => boolean>()
  readonly #reconciliations = new Map<string, NegentropyResponder>()
  #requests = 0
  #isAuthenticated = false

  /** @internal Made by `scriptedRelay`. */
  constructor(link: Link, relay: ScriptedRelayState) {
    this.#link = link
    this.#relay = relay
  }

  /** Ids of the subscriptions that are live. */
  get subscriptions(): readonly string[] {
    return [...this.#live.keys()]
  }

  /** What the client has sent, of one kind. */
  messages<K extends ClientMessage['kind']>(kind: K): MessageOf<K>[] {
    const found: MessageOf<K>[] = []
    for (const text of this.received) {
      const message = readClientMessage(text)
      if (message.kind === kind) found.push(message as MessageOf<K>)
    }
    return found
  }

  /** Sends a message. */
  says(message: RelayMessage): void {
    this.saysText(formatRelayMessage(message))
  }

  /** Sends a frame, whatever is in it. */
  saysText(text: string): void {
    this.#link.write(text)
    this.sent.push(text)
    if (this.sent.length === this.#relay.faults.dropAfterSent) this.drop()
  }

  /** Resets the connection. */
  drop(): void {
    const why = end('closed-by-us')
    this.#link.reset?.(why)
    this.#link.destroy(why)
  }

  /** Closes the connection after what was sent. */
  close(code = 1000): void {
    this.#link.end(end('closed-by-us', { code }))
  }

  /** @internal */
  greet(): void {
    if (this.#relay.faults.authRequired === true) this.says({ kind: 'auth', challenge })
  }

  /** @internal A message came. @returns false if it is not to be answered */
  hear(text: string): boolean {
    this.received.push(text)
    if (this.received.length !== this.#relay.faults.dropAfterReceived) return true
    this.drop()
    return false
  }

  /** @internal Answers a message. */
  answer(text: string): void {
    const message = readClientMessage(text, { maxValues: 5000 })
    switch (message.kind) {
      case 'refused':
        this.says(message.answer)
        return
      case 'event': {
        this.#relay.published(message.event)
        if (this.#relay.faults.noOk !== true)
          this.says({ kind: 'ok', id: message.event.id, accepted: true, text: '' })
        return
      }
      case 'auth':
        this.#isAuthenticated = true
        this.says({ kind: 'ok', id: message.event.id, accepted: true, text: '' })
        return
      case 'req':
        this.#request(message.subscription, message.filters)
        return
      case 'count':
        this.says({
          kind: 'count',
          subscription: message.subscription,
          count: this.#relay.events.filter(filterMatcher(message.filters)).length,
          approximate: false,
        })
        return
      case 'close':
        this.#live.delete(message.subscription)
        return
      case 'neg-open':
        this.#reconcile(message.subscription, message.filter, message.message)
        return
      case 'neg-msg':
        this.#continue(message.subscription, message.message)
        return
      case 'neg-close':
        this.#reconciliations.delete(message.subscription)
    }
  }

  /** @internal Something was published. */
  tell(event: NostrEvent): void {
    for (const [subscription, matches] of this.#live) if (matches(event)) this.#sendEvent(subscription, event)
  }

  #request(subscription: string, filters: readonly Filter[]): void {
    const { faults } = this.#relay
    const closed = (text: string): void => this.says({ kind: 'closed', subscription, text })
    this.#requests++
    if (faults.authRequired === true && !this.#isAuthenticated) {
      closed('auth-required: who are you?')
      return
    }
    if (faults.rateLimit !== undefined && this.#requests > faults.rateLimit.after) {
      if (faults.rateLimit.by === 'closed') closed('rate-limited: slow down')
      else this.says({ kind: 'notice', text: 'ERROR: rate limited, slow down' })
      return
    }
    if (faults.refusal !== undefined) {
      closed(faults.refusal)
      return
    }
    for (const event of this.#stored(filters)) this.#sendEvent(subscription, event)
    if (faults.noEose !== true) this.says({ kind: 'eose', subscription })
    if (!this.#live.has(subscription) && this.#live.size >= (faults.maxSubscriptions ?? Infinity))
      this.says({ kind: 'notice', text: 'ERROR: too many concurrent REQs' })
    else this.#live.set(subscription, faults.ignoresFilters === true ? () => true : filterMatcher(filters))
  }

  #stored(filters: readonly Filter[]): NostrEvent[] {
    const { faults, events } = this.#relay
    const { maxLimit = 500 } = faults
    const newestFirst = events.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
    const found = new Set<NostrEvent>()
    for (const filter of filters) {
      const matches = faults.ignoresFilters === true ? () => true : filterMatcher([filter])
      const asked = filter.limit === 0 && faults.sendsHistoryForLimitZero === true ? maxLimit : filter.limit
      const limit = Math.min(asked ?? maxLimit, maxLimit)
      for (const event of newestFirst.filter(matches).slice(0, limit)) found.add(event)
    }
    return [...found]
  }

  #sendEvent(subscription: string, event: NostrEvent): void {
    const { faults } = this.#relay
    if (faults.oversizedFrame !== undefined) {
      this.saysText(JSON.stringify(['NOTICE', 'x'.repeat(faults.oversizedFrame)]))
      return
    }
    const sig = faults.wrongSignatures === true ? `${event.sig.slice(0, -2)}00` : event.sig
    this.says({ kind: 'event', subscription, event: { ...event, sig } })
  }

  #reconcile(subscription: string, filter: Filter, message: string): void {
    const { faults } = this.#relay
    if (faults.authRequired === true && !this.#isAuthenticated) {
      this.says({ kind: 'neg-err', subscription, text: 'auth-required: who are you?', max: null })
      return
    }
    switch (faults.negentropy) {
      case 'silent':
        return
      case 'notice':
        this.says({ kind: 'notice', text: 'ERROR: bad msg: negentropy disabled' })
        return
      case 'closed':
        this.says({ kind: 'closed', subscription, text: 'unsupported: negentropy' })
        return
      case 'too-large':
        this.says({ kind: 'neg-err', subscription, text: 'blocked: too many query results', max: 10 })
        return
      case 'endless':
        this.#disagree(subscription)
        return
      case undefined: {
        const pairs = this.#relay.events
          .filter(filterMatcher([filter]))
          .map(({ created_at, id }) => [created_at, id] as const)
        this.#reconciliations.set(subscription, new NegentropyResponder(negentropyItems(pairs)))
        this.#continue(subscription, message)
      }
    }
  }

  /** Another fingerprint of everything, whatever was said. */
  #disagree(subscription: string): void {
    // Version 1; up to the end of everything; a fingerprint that nothing has.
    this.says({ kind: 'neg-msg', subscription, message: `61000001${'ab'.repeat(16)}` })
  }

  #continue(subscription: string, message: string): void {
    if (this.#relay.faults.negentropy === 'endless') {
      this.#disagree(subscription)
      return
    }
    const responder = this.#reconciliations.get(subscription)
    if (responder === undefined)
      this.says({ kind: 'neg-err', subscription, text: 'closed: unknown subscription handle', max: null })
    else {
      const answer = responder.reconcile(negentropyFromHex(message))
      this.says({ kind: 'neg-msg', subscription, message: negentropyToHex(answer) })
    }
  }
}
