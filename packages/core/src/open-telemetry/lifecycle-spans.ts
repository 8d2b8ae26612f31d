import {
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api'
import type { Observable, Subscription } from 'rxjs'
import type { End, EndKind, Env, LifecycleState, LinkId } from '../index.js'
import { tidyEnd, tidyText } from '../inspector/tidy.js'

/** Ends that somebody asked for: there is nothing wrong with them. */
const asked: ReadonlySet<EndKind> = new Set(['closed-by-us', 'drained', 'superseded', 'drained-by-peer'])

/** A span that has not ended. */
interface OpenSpan {
  readonly span: Span
  readonly what: 'dial' | 'link'
  /** `null` while a dial waits for its link. */
  link: LinkId | null
}

/** The spans of one lifecycle, one after another. */
export class LifecycleSpans implements Disposable {
  readonly #tracer: Tracer
  readonly #env: Pick<Env, 'clock' | 'name'>
  readonly #begun: { readonly wall: number; readonly mark: ReturnType<Env['clock']['mark']> }
  #open: OpenSpan | null = null
  #attempt = 0
  #endpoint: string | undefined
  #told: LifecycleState = { phase: 'idle' }
  #following: Subscription | null = null

  constructor(tracer: Tracer, { clock, name }: Pick<Env, 'clock' | 'name'>) {
    this.#tracer = tracer
    this.#env = { clock, name: tidyText(name) }
    this.#begun = { wall: clock.wall(), mark: clock.mark() }
  }

  /** @param over - called once there will be no more */
  follow(state$: Observable<LifecycleState>, over: () => void): void {
    this.#following = state$.subscribe({ next: (state) => this.#see(state), complete: over, error: over })
  }

  [Symbol.dispose](): void {
    this.#following?.unsubscribe()
    this.#open?.span.end(this.#now)
    this.#open = null
  }

  #see(state: LifecycleState): void {
    const before = this.#told
    this.#told = state
    switch (state.phase) {
      case 'idle':
        return
      case 'dialing':
        this.#dialing(state)
        return
      case 'handshaking':
        this.#at('dial', state.link)
        this.#open?.span.addEvent('handshaking', {}, this.#now)
        return
      case 'ready':
        this.#at('link', state.link)
        if (state.stable) this.#open?.span.addEvent('stable', {}, this.#now)
        return
      case 'draining':
        this.#at('link', state.link)
        if (before.phase !== 'draining')
          this.#open?.span.addEvent('draining', { 'holdfast.in_flight': state.inFlight }, this.#now)
        return
      case 'waiting':
      case 'closed':
      case 'failed':
        this.#ended(state.why)
        this.#endpoint = undefined
    }
  }

  #dialing({ attempt, link, endpoint }: LifecycleState & { readonly phase: 'dialing' }): void {
    this.#attempt = attempt
    this.#endpoint = endpoint === null ? undefined : tidyText(endpoint.uri)
    this.#at('dial', link)
    if (this.#endpoint !== undefined) this.#open?.span.setAttribute('holdfast.endpoint', this.#endpoint)
  }

  /** Goes on with the span of this link, or begins it: another one has ended then without a state of its own. */
  #at(what: OpenSpan['what'], link: LinkId | null): void {
    const before = this.#open
    if (before !== null && before.link === null && link !== null && before.what === 'dial') {
      before.link = link
      before.span.setAttribute('holdfast.link', link)
    }
    if (before?.what === what && before.link === link) return
    if (before?.link === link) before.span.end(this.#now)
    else if (before !== null) this.#ended({ kind: 'superseded', advice: { kind: 'backoff' } })
    const span = this.#tracer.startSpan(
      `holdfast.${what}`,
      {
        kind: what === 'dial' ? SpanKind.CLIENT : SpanKind.INTERNAL,
        startTime: this.#now,
        attributes: {
          'holdfast.name': this.#env.name,
          'holdfast.attempt': this.#attempt,
          ...(link !== null && { 'holdfast.link': link }),
          ...(this.#endpoint !== undefined && { 'holdfast.endpoint': this.#endpoint }),
        },
        ...(before?.link === link && { links: [{ context: before.span.spanContext() }] }),
      },
      ROOT_CONTEXT,
    )
    this.#open = { span, what, link }
  }

  #ended(why: End): void {
    const span = this.#open?.span
    if (span === undefined) return
    this.#open = null
    const now = this.#now
    const attributes = Object.entries(tidyEnd(why)).map(
      ([key, value]) => [`holdfast.end.${key}`, value] as const,
    )
    span.addEvent('ended', Object.fromEntries(attributes), now)
    if (!asked.has(why.kind)) {
      span.setAttribute('error.type', why.kind)
      span.setStatus({ code: SpanStatusCode.ERROR, message: tidyText(why.detail ?? why.kind) })
    }
    span.end(now)
  }

  /** Never goes back, whatever becomes of the wall clock: spans must not end before they began. */
  get #now(): HrTime {
    const { clock } = this.#env
    const ms = this.#begun.wall + clock.since(this.#begun.mark)
    return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
  }
}
