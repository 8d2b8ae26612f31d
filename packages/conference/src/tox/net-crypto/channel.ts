import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import type { SharedKey } from '../crypto/box.js'
import { DataOpener, DataSealer, maxPayloadBytes } from './packets.js'
import { ReceiveWindow } from './receive-window.js'
import { requestId } from './request-packet.js'
import { SendWindow } from './send-window.js'

/** What a channel tells. Payloads are valid during the call only. */
export interface ChannelEvents {
  /** A packet has proved that the other side is in this session; told before what it says. */
  authentic(): void
  transmit(packet: Uint8Array): void
  message(payload: Uint8Array): void
  datagram(payload: Uint8Array): void
  /** The other side has closed. */
  killed(): void
}

/** How often a request packet goes out at least, and at most while something is on its way. */
const requestEveryMs = { idle: 1000, busy: 50 }

const killId = 2
const killPayload = Buffer.of(killId)

/** Whether packets with this first byte arrive for certain and in order. */
function isLossless(id: number): boolean {
  return id >= 16 && id <= 191
}

/** Whether packets with this first byte are sent once and may be lost. */
function isLossy(id: number): boolean {
  return id >= 192 && id <= 254
}

/** One session between two nodes: lossless packets in order and lossy ones, encrypted, over a way that may lose any. */
export class Channel {
  readonly #events: ChannelEvents
  readonly #sealer: DataSealer
  readonly #opener: DataOpener
  readonly #sending: SendWindow
  readonly #receiving = new ReceiveWindow()
  #requestedAt: Millis
  #owesRequest = true
  #isClosed = false
  #isPaused = false

  constructor(
    session: { readonly key: SharedKey; readonly ours: Uint8Array; readonly theirs: Uint8Array },
    events: ChannelEvents,
    now: Millis,
  ) {
    this.#events = events
    this.#sealer = new DataSealer(session.key, session.ours)
    this.#opener = new DataOpener(session.key, session.theirs)
    this.#sending = new SendWindow((number, payload) => this.#transmit(number, payload))
    this.#requestedAt = now - requestEveryMs.idle
  }

  /** Bytes of lossless packets that have not been acknowledged. */
  get unacknowledged(): number {
    return this.#sending.bytes
  }

  /** When {@link Channel.tick} has something to do next. */
  get nextAt(): Millis {
    const { inFlight, roundTrip } = this.#sending
    const isBusy = this.#owesRequest || inFlight > 0 || this.#receiving.isMissing
    const busy = Math.min(Math.max(roundTrip, requestEveryMs.busy), requestEveryMs.idle)
    return this.#requestedAt + (isBusy ? busy : requestEveryMs.idle)
  }

  /** Sends a packet; how is said by its first byte, which must be 16 to 254. The bytes of a lossless one are kept. */
  send(payload: Uint8Array, now: Millis): boolean {
    const id = payload[0] ?? 0
    if (this.#isClosed || payload.length > maxPayloadBytes) return false
    if (isLossless(id)) this.#sending.push(payload, now)
    else if (isLossy(id)) this.#transmit(this.#sending.end, payload)
    else return false
    return true
  }

  /** Says that we close. Nothing is sent or told after that. */
  kill(): void {
    if (this.#isClosed) return
    this.#transmit(this.#sending.end, killPayload)
    this.#isClosed = true
  }

  /** Says what has arrived and what is missing, when it is time to. */
  tick(now: Millis): void {
    if (this.#isClosed || now < this.nextAt) return
    this.#requestedAt = now
    this.#owesRequest = false
    this.#transmit(this.#sending.end, this.#receiving.request())
  }

  /** Holds back what has arrived, and by that, in time, the other side. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#deliver()
  }

  /** @returns whether the packet is of this session */
  receive(packet: Uint8Array, now: Millis): boolean {
    if (this.#isClosed) return false
    const data = this.#opener.open(packet)
    if (!data || !this.#sending.acknowledge(data.acknowledged, now)) return false
    this.#events.authentic()
    const id = data.payload[0] ?? 0
    if (id === killId) {
      this.#isClosed = true
      this.#events.killed()
    } else if (id === requestId) {
      this.#receiving.extend(data.number)
      this.#sending.requested(data.payload, now)
    } else if (isLossless(id)) {
      this.#owesRequest = true
      this.#receiving.put(data.number, data.payload)
      this.#deliver()
    } else if (isLossy(id)) {
      this.#receiving.extend(data.number)
      this.#events.datagram(data.payload)
    }
    return true
  }

  #deliver(): void {
    while (!this.#isClosed && !this.#isPaused) {
      const payload = this.#receiving.take()
      if (!payload) return
      this.#events.message(payload)
    }
  }

  #transmit(number: number, payload: Uint8Array): void {
    const acknowledged = this.#receiving.start
    this.#events.transmit(this.#sealer.seal({ acknowledged, number, payload }))
  }
}
