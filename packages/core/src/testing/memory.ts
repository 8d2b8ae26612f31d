import type { AcceptSink, Clock, Endpoint, Millis, Timer } from '../index.js'
import { end, HoldfastError } from '../index.js'
import { offer } from '../node/offer.js'
import type { Transport } from '../node/transport.js'
import { type Wire, WiredLink, type WireEvents } from '../node/wired-link.js'

/** Options of {@link memoryNetwork}. */
export interface MemoryNetworkOptions {
  /** How long everything takes to arrive, in milliseconds. Default: 0, yet never within the call that sent it. */
  readonly latency?: Millis
  /** Bytes not yet delivered above which a write answers `full`. Default: 65536. */
  readonly highWater?: number
  /** As of the transports of Node. Default: 5000 ms. */
  readonly flushWithin?: Millis
  /**
   * `stream`: bytes, told by `data`. `messages`: as with a WebSocket, each write is told by `message` as what it
   * was, and links can ping.
   *
   * @defaultValue 'stream'
   */
  readonly framing?: 'stream' | 'messages'
}

/** What travels: bytes or a message, or the goodbye. `delivered` is told to the sender. */
interface Parcel {
  readonly content: Uint8Array | string | null
  readonly delivered: () => void
}

interface Network {
  readonly clock: Clock
  readonly latency: Millis
  readonly framing: 'stream' | 'messages'
}

/**
 * Links within the process, for endpoints `memory:NAME`; names are the network's own. Everything happens by the
 * given clock: with a {@link VirtualClock} a whole scenario is deterministic.
 *
 * There is no kernel between the two ends: a write is unflushed until the other end has read it.
 *
 * @example
 * ```ts
 * import { memoryNetwork, VirtualClock } from '@holdfast/core/testing'
 *
 * const clock = new VirtualClock()
 * const network = memoryNetwork(clock, { latency: 10 })
 * const ends: string[] = []
 * network.dial(
 *   { uri: 'memory:nobody' },
 *   { opened() {}, data() {}, writable() {}, ended: (why) => ends.push(`${why.kind} ${why.code}`) },
 * )
 * clock.advance(10)
 * ends // => ['dial-failed ECONNREFUSED']
 * ```
 */
export function memoryNetwork(clock: Clock, options: MemoryNetworkOptions = {}): Transport {
  const { latency = 0, highWater = 65_536, flushWithin = 5000, framing = 'stream' } = options
  const network: Network = { clock, latency, framing }
  const settings = { clock, highWater, flushWithin }
  const acceptors = new Map<string, AcceptSink>()
  let dials = 0

  const knock = (dialer: MemoryWire, to: Endpoint): void => {
    const sink = acceptors.get(to.uri)
    if (sink === undefined) {
      dialer.fail('ECONNREFUSED')
      return
    }
    dials += 1
    const remote: Endpoint = { uri: `${to.uri}#${dials}` }
    offer(sink, remote, {
      refuse: () => dialer.fail('ECONNRESET'),
      take: (linkSink) =>
        new WiredLink(remote, linkSink, settings, (events) => {
          const accepted = new MemoryWire(network, events)
          dialer.join(accepted)
          return accepted
        }),
    })
  }

  return {
    dial: (to, sink) =>
      new WiredLink(to, sink, settings, (events) => {
        const wire = new MemoryWire(network, events)
        wire.later(latency, () => knock(wire, to))
        return wire
      }),
    accept(at, sink) {
      if (acceptors.has(at.uri)) {
        const message = `cannot listen on ${at.uri}: the name is taken; choose another`
        return Promise.reject(new HoldfastError('HF_LISTEN_FAILED', message))
      }
      acceptors.set(at.uri, sink)
      return Promise.resolve({
        endpoint: at,
        close() {
          if (acceptors.get(at.uri) === sink) acceptors.delete(at.uri)
          return Promise.resolve()
        },
      })
    },
  }
}

/** One end of a connection in memory. */
class MemoryWire implements Wire {
  readonly ping?: () => void
  readonly #network: Network
  readonly #events: WireEvents
  readonly #timers = new Set<Timer>()
  readonly #inbox: Parcel[] = []
  #peer: MemoryWire | null = null
  #isReading = true
  #isPumping = false
  #isOpen = false
  #goodbyeDelivered = false
  #heardGoodbye = false
  #isGone = false

  constructor(network: Network, events: WireEvents) {
    this.#network = network
    this.#events = events
    if (network.framing === 'messages') this.ping = () => this.#ping()
  }

  /** Connects the two ends; the accepted one opens first, as it was there first. */
  join(accepted: MemoryWire): void {
    this.#peer = accepted
    accepted.#peer = this
    accepted.later(0, () => accepted.#open())
    this.later(this.#network.latency, () => this.#open())
  }

  fail(code: string): void {
    this.later(0, () => this.#close('dial-failed', code))
  }

  /** Calls `fn` unless the wire is gone by then. */
  later(ms: Millis, fn: () => void): void {
    const timer = this.#network.clock.after(ms, () => {
      this.#timers.delete(timer)
      fn()
    })
    this.#timers.add(timer)
  }

  write(chunk: Uint8Array | string, flushed: () => void): boolean {
    const content = typeof chunk === 'string' ? this.#encode(chunk) : new Uint8Array(chunk)
    this.#send({ content, delivered: flushed })
    return true
  }

  reading(wanted: boolean): void {
    this.#isReading = wanted
    if (wanted) this.later(0, () => this.#pump())
  }

  finish(): void {
    this.#send({
      content: null,
      delivered: () => {
        this.#goodbyeDelivered = true
        this.#events.flushed()
        this.#closeAfterGoodbyes()
      },
    })
  }

  destroy(): void {
    if (this.#isGone) return
    this.#vanish()
    const peer = this.#peer
    if (peer === null) return
    this.#network.clock.after(this.#network.latency, () => peer.#close('reset-by-peer', 'ECONNRESET')).unref()
  }

  unref(): void {
    for (const timer of this.#timers) timer.unref()
  }

  #encode(text: string): Uint8Array | string {
    return this.#network.framing === 'messages' ? text : new TextEncoder().encode(text)
  }

  #open(): void {
    this.#isOpen = true
    this.#events.opened()
    this.#pump()
  }

  #send(parcel: Parcel): void {
    const peer = this.#peer
    if (peer !== null) this.later(this.#network.latency, () => peer.#arrive(parcel))
  }

  #arrive(parcel: Parcel): void {
    if (this.#isGone) return
    this.#inbox.push(parcel)
    this.#pump()
  }

  #pump(): void {
    if (this.#isPumping || !this.#isOpen) return
    this.#isPumping = true
    while (this.#isReading && !this.#isGone) {
      const parcel = this.#inbox.shift()
      if (parcel === undefined) break
      this.#deliver(parcel.content)
      parcel.delivered()
      this.#closeAfterGoodbyes()
    }
    this.#isPumping = false
  }

  #deliver(content: Uint8Array | string | null): void {
    if (content === null) {
      this.#heardGoodbye = true
      this.#events.peerFinished(end('closed-by-peer'))
    } else if (this.#network.framing === 'messages') this.#events.receivedMessage(content)
    else this.#events.received(content as Uint8Array)
  }

  #ping(): void {
    const { latency } = this.#network
    const peer = this.#peer
    if (peer === null) return
    this.later(latency, () => {
      peer.#events.heard()
      this.later(latency, () => this.#events.heard())
    })
  }

  #closeAfterGoodbyes(): void {
    if (!this.#goodbyeDelivered || !this.#heardGoodbye || this.#isGone) return
    this.#vanish()
    this.#events.closed(end('closed-by-peer'))
  }

  #close(kind: 'dial-failed' | 'reset-by-peer', code: string): void {
    if (this.#isGone) return
    this.#vanish()
    this.#events.closed(end(kind, { code }))
  }

  #vanish(): void {
    this.#isGone = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#inbox.length = 0
  }
}
