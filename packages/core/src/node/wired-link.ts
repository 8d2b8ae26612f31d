import type { Clock, End, Endpoint, Link, LinkSink, Millis, Off, Timer, WriteResult } from '../index.js'
import { end, HoldfastError, nextLinkId } from '../index.js'

/** What a {@link WiredLink} asks of the transport below it. */
export interface Wire {
  /**
   * Hands over one write. `flushed` is called once the kernel has it all, in the order of the writes, never
   * before this call returns; not at all when that fails.
   *
   * @returns whether the transport still takes writes
   */
  write(chunk: Uint8Array | string, flushed: () => void): boolean
  /** Whether to read from now on. May be called before the wire has opened. */
  reading(wanted: boolean): void
  /** Says goodbye after what was written. */
  finish(why: End): void
  /**
   * Lets go of a connection whose peer has finished, once all that was written is with the kernel; `false` where more has
   * to be said than that. Tells nothing before it returns.
   */
  leave?(): boolean
  /** Drops the connection at once and tells nothing before it returns; harmless when it is gone. */
  destroy(): void
  /** As {@link Wire.destroy}, by RST. */
  reset?(): void
  /** The addresses of both ends, while there are any. */
  addresses?(): Link['addresses']
  /** See {@link Link.identity}. */
  identity?(): string | undefined
  /** Lets the process exit although the wire is still closing. */
  unref(): void
  ping?(): void
}

/** What a wire tells its {@link WiredLink}. Anything may be told at any time; what comes too late is ignored. */
export interface WireEvents {
  opened(): void
  received(chunk: Uint8Array): void
  receivedMessage(message: Uint8Array | string): void
  heard(): void
  /** The peer writes no more: what was accepted is flushed, then the link ends. */
  peerFinished(why: End): void
  /** What was accepted and the goodbye are with the kernel: the link ends, the wire may linger. */
  flushed(): void
  /** The wire is gone. The reason is used unless the link already had one to end for. */
  closed(why: End): void
}

/** Settings that all transports share. */
export interface WireOptions {
  readonly clock: Clock
  /** How long {@link Link.end} may take to flush and the peer to say goodbye, in milliseconds. */
  readonly flushWithin: Millis
  /** Bytes not yet flushed above which a write answers `full`. */
  readonly highWater: number
}

/** The accounting, pausing and ending that are the same for every transport; bytes are moved by a {@link Wire}. */
export class WiredLink implements Link, WireEvents {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint
  /** Present where the wire has it. */
  readonly ping?: () => void
  readonly #options: WireOptions
  readonly #wire: Wire
  #sink: LinkSink | null
  #phase: Link['phase'] = 'opening'
  #accepted = 0
  #unflushed = 0
  #full = false
  #holders = 0
  /** We have said that we write no more; whether that is with the kernel. */
  #finishing: 'no' | 'said' | 'flushed' = 'no'
  /** Why the link is retiring. */
  #why: End | null = null
  #deadline: Timer | null = null

  /**
   * @param connect - makes the wire, which must tell nothing before this returns; what it throws ends the link
   *   with the error's own end, else as `dial-failed` with advice `never`, since the endpoint itself is wrong
   */
  constructor(
    endpoint: Endpoint,
    sink: LinkSink,
    options: WireOptions,
    connect: (events: WireEvents) => Wire,
  ) {
    this.endpoint = endpoint
    this.#sink = sink
    this.#options = options
    try {
      this.#wire = connect(this)
    } catch (cause) {
      this.#wire = brokenWire
      const detail = `${endpoint.uri}: ${String(cause)}`
      const why = end('dial-failed', { advice: { kind: 'never' }, detail, cause })
      queueMicrotask(() => this.closed(cause instanceof HoldfastError ? (cause.end ?? why) : why))
    }
    const wire = this.#wire
    if (wire.ping !== undefined) this.ping = () => this.#phase === 'open' && wire.ping?.()
  }

  get phase(): Link['phase'] {
    return this.#phase
  }
  get accepted(): number {
    return this.#accepted
  }
  get unflushed(): number {
    return this.#unflushed
  }

  write(chunk: Uint8Array | string): WriteResult {
    if (this.#phase !== 'open' || this.#finishing !== 'no') return 'refused'
    const bytes = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    if (!this.#wire.write(chunk, () => this.#flushedWrite(bytes))) return 'refused'
    this.#accepted += bytes
    this.#unflushed += bytes
    if (this.#unflushed <= this.#options.highWater) return 'sent'
    this.#full = true
    return 'full'
  }

  pause(): Off {
    if (this.#phase === 'ended') return () => undefined
    let held = true
    this.#holders += 1
    if (this.#holders === 1 && this.#phase !== 'retiring') this.#wire.reading(false)
    return () => {
      if (!held) return
      held = false
      this.#holders -= 1
      if (this.#holders === 0 && this.#isLive()) this.#wire.reading(true)
    }
  }

  end(why: End): void {
    if (this.#phase === 'opening') this.destroy(why)
    else if (this.#phase === 'open') this.#retire(why)
  }

  finish(): void {
    if (this.#phase !== 'open' || this.#finishing !== 'no') return
    this.#finishing = 'said'
    this.#wire.finish(halfEnd)
  }

  destroy(why: End): void {
    if (this.#phase === 'ended') return
    this.#deadline?.cancel()
    this.#wire.destroy()
    this.#finish(why)
  }

  reset(why: End): void {
    if (this.#phase !== 'ended') this.#wire.reset?.()
    this.destroy(why)
  }

  get addresses(): Link['addresses'] {
    return this.#wire.addresses?.()
  }

  get identity(): string | undefined {
    return this.#wire.identity?.()
  }

  opened(): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    this.#tell((sink) => sink.opened())
  }

  received(chunk: Uint8Array): void {
    if (this.#phase !== 'open') return
    try {
      this.#sink?.data(chunk)
    } catch (cause) {
      this.#threw(cause)
    }
  }

  receivedMessage(message: Uint8Array | string): void {
    if (this.#phase !== 'open') return
    this.#tell((sink) => {
      if (sink.message !== undefined) sink.message(message)
      else sink.data(typeof message === 'string' ? Buffer.from(message) : message)
    })
  }

  heard(): void {
    if (this.#phase === 'open') this.#tell((sink) => sink.heard?.())
  }

  peerFinished(why: End): void {
    if (this.#phase !== 'open') return
    const isKept = this.#finishing === 'no' && this.#isToStayOpen()
    // Asking may have ended it.
    if (isKept || !this.#isLive()) return
    // With nothing left to flush it ends at once: who writes to a link that has not said so loses what it wrote.
    const isFlushed = this.#unflushed === 0
    if (isFlushed && this.#finishing === 'no' && this.#wire.leave?.() === true) {
      this.#finish(why)
      return
    }
    this.#retire(why)
    if (isFlushed) this.#linger()
  }

  #isToStayOpen(): boolean {
    try {
      return this.#sink?.finished?.() === true
    } catch (cause) {
      this.#threw(cause)
      return false
    }
  }

  flushed(): void {
    if (this.#finishing === 'said') this.#finishing = 'flushed'
    this.#linger()
  }

  /** The link ends, the wire says goodbye without it. */
  #linger(): void {
    if (this.#phase !== 'retiring' || this.#why === null) return
    this.#wire.unref()
    this.#deadline?.unref()
    this.#finish(this.#why)
  }

  closed(why: End): void {
    this.#deadline?.cancel()
    if (this.#phase !== 'ended') this.#finish(this.#why ?? why)
  }

  #isLive(): boolean {
    return this.#phase === 'opening' || this.#phase === 'open'
  }

  #retire(why: End): void {
    this.#phase = 'retiring'
    this.#why = why
    this.#deadline = this.#options.clock.after(this.#options.flushWithin, () => {
      this.#wire.destroy()
      if (this.#phase === 'retiring') this.#finish(why)
    })
    // Nothing is told from here on, but the peer's goodbye must be seen.
    this.#wire.reading(true)
    if (this.#finishing === 'no') this.#wire.finish(why)
    else if (this.#finishing === 'flushed') this.flushed()
  }

  #flushedWrite(bytes: number): void {
    if (this.#phase === 'ended') return
    this.#unflushed -= bytes
    if (!this.#full || this.#unflushed > 0) return
    this.#full = false
    if (this.#phase === 'open') this.#tell((sink) => sink.writable())
  }

  #finish(why: End): void {
    const sink = this.#sink
    this.#phase = 'ended'
    this.#sink = null
    try {
      sink?.ended(why)
    } catch (cause) {
      // The link is over, so there is nothing left to end, and the socket's caller must not be harmed.
      process.emitWarning(cause instanceof Error ? cause : String(cause))
    }
  }

  #tell(call: (sink: LinkSink) => void): void {
    if (this.#sink === null) return
    try {
      call(this.#sink)
    } catch (cause) {
      this.#threw(cause)
    }
  }

  #threw(cause: unknown): void {
    this.destroy(end('adapter-threw', { cause, detail: String(cause) }))
  }
}

const halfEnd = end('closed-by-us', { detail: 'we write no more' })

/** Stands in where none could be made. */
const brokenWire: Wire = {
  write: () => false,
  reading: () => undefined,
  finish: () => undefined,
  destroy: () => undefined,
  unref: () => undefined,
}
