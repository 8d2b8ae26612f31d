import type { Millis, Timer } from '@holdfast/core'
import type { NostrEvent } from '../wire/event.js'
import { type Filter, filterMatcher } from '../wire/filter.js'
import { closedMeaning } from '../wire/refusal.js'
import type { Authentication } from './authentication.js'
import type { RelayChannel, SubscriptionHandler } from './channel.js'
import type { Job, Slots } from './slots.js'

/** What a {@link StoredRequest} needs of its session. */
export interface RequestContext {
  readonly channel: RelayChannel
  readonly slots: Slots
  readonly authentication: Authentication
  /** How long a relay may send nothing before its EOSE (R55). */
  readonly eoseWithin: Millis
  /** The relay said that we ask too much; what it refused is asked again later. */
  complained(text: string): void
  /** The relay will not give what was asked for, in its words. */
  refused(text: string): void
}

/** A relay that means well is done by so many times the wait for its EOSE, however slowly it sends. */
const mostWaits = 20

/** Who made a request. */
export interface RequestOwner {
  readonly filter: Filter
  /** It is sent, for the first time or again: what came before comes once more. */
  begin(): void
  /** An event that matches; null for one whose shape is wrong. */
  event(event: NostrEvent | null): void
  done(how: 'answered' | 'failed'): void
}

/** One REQ for stored events, until its EOSE: closed after it, sent once more after silence or a refusal that passes (R51, R55). */
export class StoredRequest implements Job, SubscriptionHandler {
  readonly matches: (event: NostrEvent) => boolean
  readonly #context: RequestContext
  readonly #owner: RequestOwner
  #id = ''
  #release: () => void = () => undefined
  #timer: Timer | null = null
  #sentAt: Millis = 0
  #heardAt: Millis = 0
  #hasTimedOut = false
  #hasAuthenticated = false

  constructor(context: RequestContext, owner: RequestOwner) {
    this.#context = context
    this.#owner = owner
    this.matches = filterMatcher([owner.filter])
  }

  start(release: () => void): void {
    this.#release = release
    this.#send()
  }

  event(event: NostrEvent): void {
    this.#heardAt = this.#context.channel.now()
    this.#owner.event(event)
  }

  malformed(): void {
    this.#heardAt = this.#context.channel.now()
    this.#owner.event(null)
  }

  eose(): void {
    this.#close()
    this.#finish('answered')
  }

  closed(text: string): void {
    this.#forget()
    const { slots, authentication } = this.#context
    switch (closedMeaning(text)) {
      case 'authenticate': {
        const isFirst = !this.#hasAuthenticated
        this.#hasAuthenticated = true
        if (!isFirst) this.#refused(text)
        else authentication.require((accepted) => (accepted ? this.#send() : this.#refused(text)))
        return
      }
      case 'cool-down':
        // Paused before the place is free, or the next would be refused as well.
        this.#context.complained(text)
        this.#release()
        slots.add(this)
        return
      case 'failed':
        this.#context.channel.log.debug({ text, filter: this.#owner.filter }, 'the relay refused a request')
        this.#refused(text)
    }
  }

  #refused(text: string): void {
    this.#context.refused(text)
    this.#finish('failed')
  }

  #send(): void {
    const { channel } = this.#context
    this.#owner.begin()
    this.#id = channel.nextId()
    channel.subscriptions.set(this.#id, this)
    this.#sentAt = this.#heardAt = channel.now()
    channel.send({ kind: 'req', subscription: this.#id, filters: [this.#owner.filter] })
    this.#watch(this.#context.eoseWithin)
  }

  #watch(ms: Millis): void {
    const { channel, eoseWithin } = this.#context
    this.#timer = channel.after(ms, () => {
      const end = Math.min(this.#heardAt, this.#sentAt + (mostWaits - 1) * eoseWithin) + eoseWithin
      const left = end - channel.now()
      if (left > 0) this.#watch(left)
      else this.#stalled()
    })
  }

  #stalled(): void {
    this.#close()
    if (this.#hasTimedOut) {
      this.#finish('failed')
      return
    }
    this.#hasTimedOut = true
    // By way of the queue: it may be that the relay wants quiet, and did not say of what.
    this.#release()
    this.#context.slots.add(this)
  }

  #close(): void {
    this.#context.channel.send({ kind: 'close', subscription: this.#id })
    this.#forget()
  }

  #forget(): void {
    this.#timer?.cancel()
    this.#context.channel.subscriptions.delete(this.#id)
  }

  #finish(how: 'answered' | 'failed'): void {
    // What the owner asks next waits behind others that are queued.
    this.#owner.done(how)
    this.#release()
  }
}
