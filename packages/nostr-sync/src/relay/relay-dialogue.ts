import type { Env, LinkScope, WriteResult } from '@holdfast/core'
import { type ClientMessage, formatClientMessage } from '../wire/client-message.js'
import { MessageError } from '../wire/errors.js'
import type { NostrEvent } from '../wire/event.js'
import { loadComplaint } from '../wire/refusal.js'
import { type ReceivedRelayMessage, readRelayMessage } from '../wire/relay-message.js'
import { Authentication } from './authentication.js'
import type { ReconciliationHandler, RelayChannel, SubscriptionHandler } from './channel.js'
import type { EventSigner } from './signer.js'

/** What a {@link RelayDialogue} is made of. */
export interface DialogueParts {
  readonly scope: LinkScope
  readonly env: Pick<Env, 'clock' | 'log' | 'random'>
  readonly url: string
  readonly signer: EventSigner | null
}

/** Who hears what concerns no single subscription or reconciliation. */
export interface DialogueListener {
  /** An event of an open subscription. */
  event?(handler: SubscriptionHandler, event: NostrEvent): void
  malformedEvent?(): void
  /** The answer to an event that was sent. */
  ok?(id: string, accepted: boolean, text: string): void
  /** A notice that we ask too much. */
  complaint(about: 'rate-limit' | 'subscription-limit', text: string): void
  /** What came is no message. */
  unreadable?(error: MessageError): void
  /** A message of a reconciliation comes or goes. */
  reconciling?(direction: 'in' | 'out', bytes: number): void
  /** A message was written. */
  sent?(kind: ClientMessage['kind'], outcome: WriteResult): void
}

/** One link with a relay: writes messages, and hands those that come to whom they concern. */
export class RelayDialogue {
  readonly channel: RelayChannel
  readonly authentication: Authentication
  readonly #url: string
  readonly #listener: DialogueListener
  #ids = 0
  #received = 0
  #hasAnswered = false

  constructor({ scope, env, url, signer }: DialogueParts, listener: DialogueListener) {
    this.#url = url
    this.#listener = listener
    const received = (): number => this.#received
    this.channel = {
      get received() {
        return received()
      },
      subscriptions: new Map<string, SubscriptionHandler>(),
      reconciliations: new Map<string, ReconciliationHandler>(),
      log: env.log,
      nextId: () => `${scope.link.id.toString(36)}.${(this.#ids++).toString(36)}`,
      send: (message) => {
        if (message.kind === 'neg-open' || message.kind === 'neg-msg')
          listener.reconciling?.('out', message.message.length / 2)
        listener.sent?.(message.kind, scope.link.write(formatClientMessage(message)))
      },
      after: (ms, fn) => scope.after(ms, fn),
      guard: (fn) => scope.guard(fn),
      now: () => env.clock.now(),
      wallSeconds: () => Math.floor(env.clock.wall() / 1000),
      seed: () => Math.floor(env.random() * 2 ** 32),
      fail: (why) => scope.fail(why),
      authenticate: (then) => this.authentication.require(then),
    }
    this.authentication = new Authentication(this.channel, url, signer)
  }

  /** Whether a request was answered to its end. */
  get hasAnswered(): boolean {
    return this.#hasAnswered
  }

  /** Reads what came. */
  message(raw: Uint8Array | string): void {
    try {
      this.#received++
      if (typeof raw !== 'string') throw new MessageError('a binary frame', '')
      this.#hand(readRelayMessage(raw))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.channel.log.debug({ err: error, relay: this.#url }, 'the relay sent what is no message')
      this.#listener.unreadable?.(error)
    }
  }

  #hand(message: ReceivedRelayMessage): void {
    const { subscriptions, reconciliations } = this.channel
    switch (message.kind) {
      case 'event': {
        const handler = subscriptions.get(message.subscription)
        if (handler !== undefined) this.#listener.event?.(handler, message.event)
        return
      }
      case 'malformed-event':
        this.#listener.malformedEvent?.()
        subscriptions.get(message.subscription)?.malformed()
        return
      case 'eose':
        // Of an id that nobody knows any more: ignored (R56).
        this.#hasAnswered ||= subscriptions.has(message.subscription)
        subscriptions.get(message.subscription)?.eose()
        return
      case 'closed':
        subscriptions.get(message.subscription)?.closed(message.text)
        reconciliations.get(message.subscription)?.closed(message.text)
        return
      case 'ok':
        this.authentication.ok(message.id, message.accepted)
        this.#listener.ok?.(message.id, message.accepted, message.text)
        return
      case 'notice':
        this.#notice(message.text)
        return
      case 'auth':
        this.authentication.challenge(message.challenge)
        return
      case 'neg-msg':
        this.#listener.reconciling?.('in', message.message.length / 2)
        reconciliations.get(message.subscription)?.message(message.message)
        return
      case 'neg-err':
        reconciliations.get(message.subscription)?.error(message.text)
        return
      case 'count':
      case 'unknown':
    }
  }

  #notice(text: string): void {
    this.channel.log.debug({ text, relay: this.#url }, 'a relay says')
    const complaint = loadComplaint(text)
    if (complaint !== null) this.#listener.complaint(complaint, text)
    else for (const reconciliation of [...this.channel.reconciliations.values()]) reconciliation.notice(text)
  }
}
