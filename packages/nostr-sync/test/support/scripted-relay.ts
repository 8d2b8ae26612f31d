import type { Accepting, Link } from '@holdfast/core'
import { end } from '@holdfast/core'
import { memoryNetwork, type TestEnv } from '@holdfast/core/testing'
import {
  type ClientMessage,
  compareForReplacement,
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
} from '@holdfast/nostr-sync'

export type MemoryNetwork = ReturnType<typeof memoryNetwork>

/** One connection of a client to a {@link ScriptedRelay}. */
export interface ScriptedSession {
  readonly link: Link
  readonly subscriptions: Map<string, readonly Filter[]>
  say(message: RelayMessage): void
}

/** A relay in memory that does what relays do, unless a test says otherwise. */
export class ScriptedRelay {
  readonly events: NostrEvent[] = []
  readonly sessions: ScriptedSession[] = []
  /** All that clients said, in order, with the number of their session from 1. */
  readonly heard: { session: number; message: ClientMessage }[] = []
  /** Answers in the relay's stead. @returns whether it did */
  answer: (message: ClientMessage, session: ScriptedSession) => boolean = () => false
  maxLimit = 500
  hasNegentropy = true
  #accepting: Accepting | null = null
  #number = 0
  readonly url: string
  readonly #network: MemoryNetwork
  readonly #responders = new Map<string, NegentropyResponder>()

  constructor(network: MemoryNetwork, url: string) {
    this.#network = network
    this.url = url
  }

  async open(): Promise<this> {
    this.#accepting = await this.#network.accept(
      { uri: this.url },
      { incoming: (take) => this.#take(take), failed: () => undefined },
    )
    return this
  }

  /** Lets nobody in any more; sessions go on. */
  async shut(): Promise<void> {
    await this.#accepting?.close()
    this.#accepting = null
  }

  /** Ends all sessions, as a killed process does. */
  drop(): void {
    for (const { link } of this.sessions.splice(0)) link.destroy(end('closed-by-us'))
  }

  /** Stores an event, and tells those who listen. */
  publish(...events: readonly NostrEvent[]): void {
    for (const event of events) {
      if (this.events.some(({ id }) => id === event.id)) continue
      this.events.push(event)
      for (const session of this.sessions)
        for (const [subscription, filters] of session.subscriptions)
          if (filterMatcher(filters)(event)) session.say({ kind: 'event', subscription, event })
    }
  }

  /** The requests for stored events that were heard. */
  requests(session?: number): Filter[] {
    return this.#filters(session, (limit) => limit !== 0)
  }

  /** The live ones. */
  liveRequests(session?: number): Filter[] {
    return this.#filters(session, (limit) => limit === 0)
  }

  verbs(session?: number): string[] {
    return this.heard
      .filter((each) => session === undefined || each.session === session)
      .map(({ message }) => message.kind)
  }

  #filters(session: number | undefined, isMeant: (limit: number | undefined) => boolean): Filter[] {
    return this.heard.flatMap(({ session: number, message }) =>
      message.kind === 'req' && (session === undefined || number === session)
        ? message.filters.filter(({ limit }) => isMeant(limit))
        : [],
    )
  }

  #take(take: Parameters<Parameters<MemoryNetwork['accept']>[1]['incoming']>[0]): void {
    const number = ++this.#number
    const session: ScriptedSession = {
      subscriptions: new Map(),
      say: (message) => void link.write(formatRelayMessage(message)),
      get link() {
        return link
      },
    }
    const link = take({
      opened: () => undefined,
      data: () => undefined,
      message: (text) => {
        const message = readClientMessage(String(text))
        if (message.kind === 'refused') throw new Error(`a client said ${String(text)}`)
        this.heard.push({ session: number, message })
        if (!this.answer(message, session)) this.#hear(message, session)
      },
      writable: () => undefined,
      ended: () => {
        const at = this.sessions.indexOf(session)
        if (at >= 0) this.sessions.splice(at, 1)
      },
    })
    this.sessions.push(session)
  }

  #hear(message: ClientMessage, session: ScriptedSession): void {
    switch (message.kind) {
      case 'req':
        this.serve(message.subscription, message.filters, session)
        return
      case 'close':
        session.subscriptions.delete(message.subscription)
        return
      case 'neg-open': {
        const { subscription, filter } = message
        if (!this.hasNegentropy) {
          session.say({ kind: 'notice', text: 'ERROR: bad msg: negentropy disabled' })
          return
        }
        const matching = this.events.filter(filterMatcher([filter]))
        const items = negentropyItems(matching.map(({ created_at, id }) => [created_at, id]))
        this.#responders.set(subscription, new NegentropyResponder(items))
        this.#reconcile(subscription, message.message, session)
        return
      }
      case 'neg-msg':
        this.#reconcile(message.subscription, message.message, session)
        return
      case 'neg-close':
        this.#responders.delete(message.subscription)
        return
      case 'event':
      case 'auth':
      case 'count':
    }
  }

  /** Stored events, newest first, then EOSE. */
  serve(subscription: string, filters: readonly Filter[], session: ScriptedSession): void {
    session.subscriptions.set(subscription, filters)
    const sent = new Set<string>()
    for (const filter of filters) {
      const limit = Math.min(filter.limit ?? this.maxLimit, this.maxLimit)
      const matching = this.events
        .filter(filterMatcher([filter]))
        .sort(compareForReplacement)
        .slice(0, limit)
      for (const event of matching) {
        if (sent.has(event.id)) continue
        sent.add(event.id)
        session.say({ kind: 'event', subscription, event })
      }
    }
    session.say({ kind: 'eose', subscription })
  }

  #reconcile(subscription: string, hex: string, session: ScriptedSession): void {
    const responder = this.#responders.get(subscription)
    if (responder === undefined) {
      session.say({ kind: 'neg-err', subscription, text: 'closed: unknown subscription handle', max: null })
      return
    }
    const message = negentropyToHex(responder.reconcile(negentropyFromHex(hex)))
    session.say({ kind: 'neg-msg', subscription, message })
  }
}

/** A network whose messages are whole, and a relay on it. */
export function relayNetwork(env: TestEnv): MemoryNetwork {
  return memoryNetwork(env.clock, { framing: 'messages', latency: 1 })
}
