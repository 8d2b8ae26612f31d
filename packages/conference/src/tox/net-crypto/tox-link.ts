import {
  type Clock,
  type Dialer,
  type End,
  type Endpoint,
  end,
  type Link,
  type LinkSink,
  nextLinkId,
  type Off,
  type Timer,
  type WriteResult,
} from '@holdfast/core'
import type { DhtKey, RealKey } from '../../wire/identity.js'
import type { Connection, ConnectionEnd, ConnectionEvents } from './connection.js'
import type { NetCrypto } from './net-crypto.js'
import type { Path } from './path.js'

/** Where a {@link toxDialer} dials. */
export interface ToxEndpoint extends Endpoint {
  /** `tox:` and the real key in hexadecimal. */
  readonly uri: string
  readonly realKey: RealKey
  /** Of the node that is taken for this peer's. */
  readonly dhtKey: DhtKey
  /** How that node may be reached. */
  readonly paths: readonly Path[]
  /** Nobody has said that this node is the peer's: it is given up soon. */
  readonly isGuess?: boolean
}

/** What tox links need. */
export interface ToxLinkOptions {
  readonly clock: Clock
  readonly netCrypto: NetCrypto
}

/** Unacknowledged bytes above which a write answers `full`. */
const highWater = 64 * 1024
/** How long {@link Link.end} waits for acknowledgements. */
const flushWithinMs = 2000

/** The endpoint of a peer. */
export function toxEndpoint(realKey: RealKey, dhtKey: DhtKey, paths: readonly Path[]): ToxEndpoint {
  return { uri: `tox:${realKey}`, realKey, dhtKey, paths }
}

/** Dials nodes by their keys; what a lifecycle needs. */
export function toxDialer(options: ToxLinkOptions): Dialer {
  return {
    dial(to: Endpoint, sink: LinkSink): Link {
      const connection = options.netCrypto.connect(to as ToxEndpoint, options.clock.now())
      return new ToxLink(options, to, connection, sink)
    },
  }
}

/** Takes a connection that a peer has opened; what {@link Lifecycle.adopt} needs. */
export function takeConnection(options: ToxLinkOptions, from: Endpoint, connection: Connection) {
  return (sink: LinkSink): Link => new ToxLink(options, from, connection, sink)
}

/**
 * A core link over a {@link Connection}: lossless packets are its messages, lossy ones its datagrams. What was written
 * counts as flushed once it is acknowledged, so that ending it gracefully loses nothing.
 */
class ToxLink implements Link, ConnectionEvents {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint
  readonly #options: ToxLinkOptions
  readonly #connection: Connection
  #sink: LinkSink | null
  #phase: Link['phase'] = 'opening'
  #accepted = 0
  #isFull = false
  #holders = 0
  #retiring: { readonly why: End; readonly timer: Timer } | null = null

  constructor(options: ToxLinkOptions, endpoint: Endpoint, connection: Connection, sink: LinkSink) {
    this.endpoint = endpoint
    this.#options = options
    this.#connection = connection
    this.#sink = sink
    if (connection.phase === 'closed') queueMicrotask(() => this.ended('unreachable'))
    else connection.events = this
  }

  get phase(): Link['phase'] {
    return this.#phase
  }

  get accepted(): number {
    return this.#accepted
  }

  get unflushed(): number {
    return this.#connection.unacknowledged
  }

  /** The DHT key that the peer has proved to have. */
  get identity(): string {
    return this.#connection.dhtKey
  }

  write(chunk: Uint8Array | string): WriteResult {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    if (this.#phase !== 'open' || !this.#connection.send(bytes, this.#now)) return 'refused'
    this.#accepted += bytes.length
    if (this.unflushed <= highWater) return 'sent'
    this.#isFull = true
    return 'full'
  }

  datagram(chunk: Uint8Array): 'sent' | 'refused' {
    return this.#phase === 'open' && this.#connection.send(chunk, this.#now) ? 'sent' : 'refused'
  }

  pause(): Off {
    let isHeld = true
    this.#holders += 1
    this.#connection.pause(true)
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holders -= 1
      if (this.#holders === 0) this.#connection.pause(false)
    }
  }

  end(why: End): void {
    if (this.#phase === 'opening' || this.unflushed === 0) {
      this.destroy(why)
      return
    }
    if (this.#phase !== 'open') return
    this.#phase = 'retiring'
    const timer = this.#options.clock.after(flushWithinMs, () => this.destroy(why))
    this.#retiring = { why, timer }
  }

  destroy(why: End): void {
    if (this.#phase === 'ended') return
    this.#options.netCrypto.close(this.#connection, this.#now)
    this.#finish(why)
  }

  // What the connection tells ----------------------------------------------------------------------------------

  up(): void {
    this.#phase = 'open'
    this.#tell((sink) => sink.opened())
  }

  message(payload: Uint8Array): void {
    const sink = this.#sink
    if (this.#phase !== 'open' || sink === null) return
    try {
      if (sink.message) sink.message(payload)
      else sink.data(payload)
    } catch (cause) {
      this.#threw(cause)
    }
  }

  datagramHeard(payload: Uint8Array): void {
    if (this.#phase === 'open') this.#tell((sink) => sink.datagram?.(payload))
  }

  progress(): void {
    if (this.unflushed > 0) return
    if (this.#retiring) {
      this.destroy(this.#retiring.why)
      return
    }
    if (!this.#isFull) return
    this.#isFull = false
    this.#tell((sink) => sink.writable())
  }

  ended(why: ConnectionEnd): void {
    if (this.#phase !== 'ended') this.#finish(this.#retiring?.why ?? endOf(why))
  }

  #finish(why: End): void {
    const sink = this.#sink
    this.#phase = 'ended'
    this.#sink = null
    this.#retiring?.timer.cancel()
    sink?.ended(why)
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

  get #now(): number {
    return this.#options.clock.now()
  }
}

function endOf(why: ConnectionEnd): End {
  switch (why) {
    case 'killed':
      return end('closed-by-peer', { advice: { kind: 'now' } })
    case 'unreachable':
      return end('dial-failed', { detail: 'the node does not answer' })
    case 'refused':
      return end('handshake-refused', { detail: 'the node is not this peer, or does not want us' })
    case 'superseded':
      return end('closed-by-peer', { advice: { kind: 'now' }, detail: 'the peer was started again' })
  }
}
