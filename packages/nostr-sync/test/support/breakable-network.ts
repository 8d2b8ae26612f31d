import type { Clock, Dialer, End, Endpoint, Link, LinkSink, Off, WriteResult } from '@holdfast/core'
import { end } from '@holdfast/core'
import { FaultyLink, memoryNetwork } from '@holdfast/core/testing'

type Transport = ReturnType<typeof memoryNetwork>

/** A network in memory whose paths can break, each for itself, as those of the internet do. */
export class BreakableNetwork {
  readonly acceptor: Transport
  readonly #links = new Set<BreakableLink>()
  readonly #cut = new Set<string>()

  constructor(clock: Clock) {
    this.acceptor = memoryNetwork(clock, { framing: 'messages', latency: 5, highWater: 1 << 20 })
  }

  /** How one host dials. */
  dialer(from: string): Dialer {
    return {
      dial: (to, sink) => {
        // Nobody says that it failed: it just never opens.
        if (this.#cut.has(path(from, to.uri))) return new FaultyLink(to, sink)
        const link = new BreakableLink(path(from, to.uri), sink, () => this.#links.delete(link))
        this.#links.add(link)
        link.dial(this.acceptor, to)
        return link
      },
    }
  }

  /** From now on nothing passes between the two, and neither is told. What is under way is lost. */
  cut(from: string, to: string): void {
    this.#cut.add(path(from, to))
    for (const link of this.#of(from, to)) link.isCut = true
  }

  /** The path is there again; who was connected before is told so by a reset. */
  heal(from: string, to: string): void {
    this.#cut.delete(path(from, to))
    for (const link of this.#of(from, to)) if (link.isCut) link.destroy(end('reset-by-peer'))
  }

  /** Resets what is connected. */
  reset(from: string, to: string): void {
    for (const link of this.#of(from, to)) link.destroy(end('reset-by-peer'))
  }

  /** Holds back what is sent to `from`, until the result is called. */
  stall(from: string, to: string): Off {
    const held = this.#of(from, to).map((link) => link.pause())
    return () => {
      for (const off of held) off()
    }
  }

  #of(from: string, to: string): BreakableLink[] {
    return [...this.#links].filter((link) => link.path === path(from, to))
  }
}

function path(from: string, to: string): string {
  return `${from} > ${to.replace(/\/$/, '')}`
}

/** A link that can lose what passes without anybody being told. */
class BreakableLink implements Link {
  readonly path: string
  isCut = false
  readonly #sink: LinkSink
  readonly #gone: () => void
  #link: Link | null = null

  constructor(name: string, sink: LinkSink, gone: () => void) {
    this.path = name
    this.#sink = sink
    this.#gone = gone
  }

  dial(transport: Transport, to: Endpoint): void {
    const sink = this.#sink
    const ifPassing = (tell: () => void): void => {
      if (!this.isCut) tell()
    }
    this.#link = transport.dial(to, {
      opened: () => ifPassing(() => sink.opened()),
      data: (chunk) => ifPassing(() => sink.data(chunk)),
      message: (message) => ifPassing(() => sink.message?.(message)),
      heard: () => ifPassing(() => sink.heard?.()),
      writable: () => sink.writable(),
      ended: (why) => {
        this.#gone()
        sink.ended(why)
      },
    })
  }

  get #there(): Link {
    if (this.#link === null) throw new Error('not dialled yet')
    return this.#link
  }

  get id(): Link['id'] {
    return this.#there.id
  }

  get endpoint(): Endpoint {
    return this.#there.endpoint
  }

  get phase(): Link['phase'] {
    return this.#link?.phase ?? 'opening'
  }

  get accepted(): number {
    return this.#there.accepted
  }

  get unflushed(): number {
    return this.#there.unflushed
  }

  write(chunk: Uint8Array | string): WriteResult {
    return this.isCut ? 'sent' : this.#there.write(chunk)
  }

  ping(): void {
    if (!this.isCut) this.#there.ping?.()
  }

  pause(): Off {
    return this.#there.pause()
  }

  end(why: End): void {
    if (this.isCut) this.destroy(why)
    else this.#there.end(why)
  }

  destroy(why: End): void {
    this.#there.destroy(why)
  }
}
