import type { LinkProtocol, LinkScope, Off, WriteResult } from '@holdfast/core'
import { LinkIntake } from '../intake/link-intake.js'
import { type ClientMessage, readClientMessage } from '../wire/client-message.js'
import type { NostrEvent } from '../wire/event.js'
import { formatRelayMessage, type RelayMessage } from '../wire/relay-message.js'
import { answerTo, goingAway } from './answers.js'
import type { Client, SharedByClients } from './client.js'
import { ClientAuthentication } from './client-authentication.js'
import { readingLimits } from './limits.js'
import { NegentropySessions } from './negentropy-sessions.js'
import { Subscriptions } from './subscriptions.js'

/** Proxies close what is silent for a minute. */
const pingEvery = 30_000

/** One client: what it says is dispatched, and answered where it looks for the answer. */
export class ClientSession implements LinkProtocol, Client {
  readonly shared: SharedByClients
  readonly scope: LinkScope
  readonly #intake: LinkIntake
  readonly #subscriptions: Subscriptions
  readonly #negentropy: NegentropySessions
  readonly #authentication: ClientAuthentication | null
  /** Set while the client does not read: then it is not read either. */
  #resume: Off | null = null
  #isRetiring = false

  constructor(shared: SharedByClients, scope: LinkScope) {
    this.shared = shared
    this.scope = scope
    this.#intake = new LinkIntake(shared.intake, { kind: 'client' }, scope)
    this.#subscriptions = new Subscriptions(this, () => this.#resume !== null)
    this.#negentropy = new NegentropySessions(this)
    this.#authentication = shared.auth === null ? null : new ClientAuthentication(this, shared.auth)
    scope.sweep(pingEvery, () => scope.link.ping?.())
    scope.ready()
  }

  message(message: Uint8Array | string): void {
    if (typeof message !== 'string') {
      this.shared.stats.countReceived('refused')
      this.send({ kind: 'notice', text: 'invalid: messages are text' })
      return
    }
    const received = readClientMessage(message, readingLimits(this.shared.limits))
    this.shared.stats.countReceived(received.kind)
    if (received.kind === 'refused') this.send(received.answer)
    else this.#dispatch(received)
  }

  writable(): void {
    this.#resume?.()
    this.#resume = null
    this.#subscriptions.resume()
  }

  retire(): void {
    this.#isRetiring = true
    this.#subscriptions.closeAll(goingAway)
    this.#negentropy.closeAll(`closed: ${goingAway}`)
  }

  send(message: RelayMessage): WriteResult {
    return this.#write(formatRelayMessage(message), message.kind)
  }

  sendSaved(subscription: string, json: string): WriteResult {
    return this.#write(`["EVENT",${JSON.stringify(subscription)},${json}]`, 'event')
  }

  #write(text: string, kind: RelayMessage['kind']): WriteResult {
    const result = this.scope.link.write(text)
    if (result !== 'refused') this.shared.stats.countSent(kind)
    if (result === 'full') this.#resume ??= this.scope.link.pause()
    return result
  }

  #dispatch(message: ClientMessage): void {
    switch (message.kind) {
      case 'event':
        this.#publish(message.event)
        return
      case 'auth':
        if (this.#authentication !== null) this.#authentication.receive(message.event)
        else this.#refuseEvent(message.event, 'unsupported: nobody is asked to authenticate here')
        return
      case 'req':
      case 'count': {
        const { subscription, filters } = message
        const refusal = this.#refusal()
        if (refusal !== null) this.send({ kind: 'closed', subscription, text: refusal })
        else if (message.kind === 'req') this.#subscriptions.open(subscription, filters)
        else this.#subscriptions.count(subscription, filters)
        return
      }
      case 'close':
        this.#subscriptions.close(message.subscription)
        return
      case 'neg-open': {
        const { subscription, filter } = message
        const refusal = this.#refusal()
        if (refusal !== null) this.send({ kind: 'neg-err', subscription, text: refusal, max: null })
        else void this.#negentropy.open(subscription, filter, message.message)
        return
      }
      case 'neg-msg':
        this.#negentropy.message(message.subscription, message.message)
        return
      case 'neg-close':
        this.#negentropy.close(message.subscription)
    }
  }

  #publish(event: NostrEvent): void {
    const refusal = this.#refusal()
    // A drain waits for the answer.
    const ticket = this.scope.gate.enter(`event ${event.id}`)
    if (refusal !== null || ticket === null) {
      ticket?.done()
      this.#refuseEvent(event, refusal ?? goingAway)
      return
    }
    this.#intake.offer(event, (outcome) => {
      this.send(answerTo(event.id, outcome))
      ticket.done()
    })
  }

  #refuseEvent({ id }: NostrEvent, text: string): void {
    this.send({ kind: 'ok', id, accepted: false, text })
  }

  #refusal(): string | null {
    return this.#isRetiring ? goingAway : (this.#authentication?.refusal ?? null)
  }
}
