import type { End, Link, LinkSink } from '../index.js'

/** What a {@link RecordingSink} was told, in order. Bytes and messages are in `received`. */
export type Told = 'opened' | 'received' | 'heard' | 'writable' | 'ended'

/**
 * A sink that writes down what it is told, and lets a test wait for it.
 *
 * @example
 * ```ts
 * import { memoryNetwork, RecordingSink, VirtualClock } from '@holdfast/core/testing'
 *
 * const clock = new VirtualClock()
 * const sink = new RecordingSink()
 * memoryNetwork(clock).dial({ uri: 'memory:nobody' }, sink)
 * clock.advance(0)
 * sink.told // => ['ended']
 * sink.end?.kind // => 'dial-failed'
 * ```
 */
export class RecordingSink implements LinkSink {
  readonly told: Told[] = []
  /** Copies of what came in; a string where the transport told one. */
  readonly received: (Uint8Array | string)[] = []
  /** The reason of the first end. */
  end: End | null = null
  /** Called at each event, after it was written down; may throw. */
  during: ((what: Told) => void) | null = null
  readonly #waiting = new Set<{ readonly isMet: () => boolean; readonly resolve: () => void }>()

  /** Notes that the link has opened. */
  opened(): void {
    this.#note('opened')
  }

  data(chunk: Uint8Array): void {
    this.received.push(new Uint8Array(chunk))
    this.#note('received')
  }

  message(message: Uint8Array | string): void {
    this.received.push(typeof message === 'string' ? message : new Uint8Array(message))
    this.#note('received')
  }

  heard(): void {
    this.#note('heard')
  }

  writable(): void {
    this.#note('writable')
  }

  /** Notes that the link has ended, and why. */
  ended(why: End): void {
    this.end ??= why
    this.#note('ended')
  }

  /** How often something was told. */
  count(what: Told): number {
    return this.told.filter((each) => each === what).length
  }

  /** All that was received, joined. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.received.map((each) => Buffer.from(each as Uint8Array)))
  }

  /** How many bytes were received. */
  get byteLength(): number {
    return this.received.reduce((sum, each) => sum + Buffer.byteLength(each), 0)
  }

  /** Resolves when something has been told at least once, or when `isMet` says so after an event. */
  until(condition: Told | (() => boolean)): Promise<void> {
    const isMet = typeof condition === 'string' ? () => this.told.includes(condition) : condition
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add({ isMet, resolve }))
  }

  #note(what: Told): void {
    this.told.push(what)
    try {
      this.during?.(what)
    } finally {
      for (const each of this.#waiting) {
        if (!each.isMet()) continue
        this.#waiting.delete(each)
        each.resolve()
      }
    }
  }
}

/** A link with the sink that hears it. */
export interface RecordedLink {
  readonly link: Link
  readonly sink: RecordingSink
}
