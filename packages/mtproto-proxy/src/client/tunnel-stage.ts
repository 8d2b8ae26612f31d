import type { Link, Millis, Off } from '@holdfast/core'
import type { Admitted } from '../gatekeeper.js'
import type { Tunnel, TunnelClient, TunnelEnd } from '../tunnel.js'
import { ClientBytesError } from '../wire/client-bytes-error.js'
import { isStrictPacket } from '../wire/plain-packet.js'
import type { ServerCodec } from '../wire/server-codec.js'
import type { ClientPort } from './client-port.js'
import type { Connection, Stage } from './stage.js'

/** Telegram's -404: an answer by which probes could tell us from a web server (spec 3.7). */
const serverError = Buffer.from('6cfeffff', 'hex')
const healthEvery: Millis = 5000

/**
 * A client in its tunnel (spec 6.4): its packets go to the data centre's side, what comes from there is written to it.
 *
 * Credits are given back when the client's link has taken what it was given: once the link is full, not before it has
 * been flushed.
 */
export class TunnelStage implements Stage, TunnelClient {
  readonly #session: Connection
  readonly #link: Link
  readonly #port: ClientPort
  readonly #codec: ServerCodec
  readonly #admitted: Admitted | null
  #tunnel: Tunnel | null = null
  #pauses = 0
  #isForwarding = false
  /** Written while the link was full. */
  #waitingPackets = 0
  #waitingBytes = 0
  #fullSince: Millis | null = null
  #hasHeard = false
  #checkedAt: Millis | null = null
  #activeAt: Millis
  #isHibernating = false
  #whenSettled: (() => void) | null = null

  constructor(
    session: Connection,
    link: Link,
    port: ClientPort,
    o: { readonly codec: ServerCodec; readonly admitted: Admitted | null },
  ) {
    this.#session = session
    this.#link = link
    this.#port = port
    this.#codec = o.codec
    this.#admitted = o.admitted
    this.#activeAt = port.now
  }

  /** The tunnel is open. What came along with the header goes first. */
  begin(tunnel: Tunnel): void {
    this.#tunnel = tunnel
    this.#forward()
  }

  // What the client says -----------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    const { counts, side } = this.#port
    counts.received.inc(chunk.length)
    side.metrics.chunkSize.fromClient.observe(chunk.length)
    this.#isActive()
    if (!this.#mayTransfer(chunk.length)) return
    this.#codec.push(chunk)
    this.#forward()
  }

  writable(): void {
    if (this.#fullSince !== null) {
      this.#port.counts.sendDuration.observe((this.#port.now - this.#fullSince) / 1000)
      this.#fullSince = null
    }
    const packets = this.#waitingPackets
    const bytes = this.#waitingBytes
    this.#waitingPackets = this.#waitingBytes = 0
    if (packets > 0) this.#tunnel?.delivered(packets, bytes)
  }

  tick(now: Millis): void {
    const { settings, counts } = this.#port
    if (this.#waitingPackets > 0) this.#checkHealth()
    // Aborted, it is over.
    if (this.#tunnel === null) return
    const silentFor = now - this.#activeAt
    if (silentFor >= settings.closeAfter) {
      counts.timedOut.inc()
      this.#session.close('inactive')
    } else if (silentFor >= settings.hibernateAfter && !this.#isHibernating) {
      this.#isHibernating = true
      counts.hibernated.inc()
      counts.timerSwitched('hibernate', 'stop')
    }
  }

  settle(done: () => void): void {
    this.#whenSettled = done
    this.#forward()
  }

  leave(): void {
    const tunnel = this.#tunnel
    this.#tunnel = null
    tunnel?.close()
  }

  /** Every packet that is there, as long as the data centre's side takes them. */
  #forward(): void {
    if (this.#isForwarding) return
    this.#isForwarding = true
    try {
      while (this.#pauses === 0 && this.#tunnel !== null) {
        const packet = this.#codec.next()
        if (packet === null) break
        this.#send(this.#tunnel, packet.payload, packet.quickAck)
      }
    } catch (error) {
      if (!(error instanceof ClientBytesError)) throw error
      this.#port.counts.protocolError(error.reason)
      this.#session.close(error.reason)
    } finally {
      this.#isForwarding = false
    }
    // Whoever is held has a packet that has not been written, or no connection to write to.
    if (this.#pauses === 0) this.#whenSettled?.()
  }

  #send(tunnel: Tunnel, payload: Buffer, quickAck: boolean): void {
    this.#port.side.metrics.packetSize.fromClient.observe(payload.length)
    if (this.#port.settings.strictPlainPackets && !isStrictPacket(payload)) return
    tunnel.send(payload, { quickAck })
  }

  // What the data centre's side says -----------------------------------------------------------------------------

  packet(payload: Uint8Array): void {
    const { side, counts } = this.#port
    side.metrics.packetSize.toClient.observe(payload.length)
    if (this.#isToBeFiltered(payload)) {
      counts.protocolError('srv_error_filtered')
      this.#tunnel?.delivered(1, payload.length)
      return
    }
    if (payload.length === 0 || payload.length % 4 !== 0) {
      // No packet of a client's formats: it would be lost on the way anyhow.
      this.#tunnel?.delivered(1, payload.length)
      return
    }
    if (!this.#write(this.#codec.encode(payload))) return
    if (this.#fullSince === null) this.#tunnel?.delivered(1, payload.length)
    else {
      this.#waitingPackets += 1
      this.#waitingBytes += payload.length
      this.#checkHealth()
    }
  }

  quickAck(confirm: Uint8Array): void {
    // No credits are kept of them, and a client that waits for so much else can do without.
    if (this.#fullSince !== null) return
    this.#port.counts.quickAcks.inc()
    this.#write(this.#codec.encodeQuickAck(confirm))
  }

  pause(): Off {
    const resume = this.#link.pause()
    let held = true
    this.#pauses += 1
    return () => {
      if (!held) return
      held = false
      this.#pauses -= 1
      resume()
      this.#forward()
    }
  }

  closed(why: TunnelEnd): void {
    this.#tunnel = null
    if (why === 'overflow') this.#session.abort(why)
    else this.#session.close(why)
  }

  #write(bytes: Uint8Array): boolean {
    const { side, counts } = this.#port
    this.#isActive()
    if (!this.#mayTransfer(bytes.length)) return false
    const result = this.#link.write(bytes)
    if (result === 'refused') return false
    counts.sent.inc(bytes.length)
    side.metrics.chunkSize.toClient.observe(bytes.length)
    if (result === 'full') this.#fullSince ??= this.#port.now
    return true
  }

  /** The first packet of a session that is the error, or any, as the option says (spec 3.7). */
  #isToBeFiltered(payload: Uint8Array): boolean {
    const { serverErrorFilter } = this.#port.settings
    const isFirst = !this.#hasHeard
    this.#hasHeard = true
    if (serverErrorFilter === 'off' || (serverErrorFilter === 'first' && !isFirst)) return false
    return serverError.equals(payload)
  }

  /** A client that takes nothing must not pile up what others have to wait for (spec 6.6). */
  #checkHealth(): void {
    const now = this.#port.now
    if (this.#checkedAt !== null && now - this.#checkedAt < healthEvery) return
    this.#checkedAt = now
    const { health } = this.#port.settings
    const bytes = this.#link.unflushed + this.#codec.heldBytes
    const action =
      this.#waitingPackets > health.maxPackets
        ? 'message_queue_len'
        : bytes > health.maxBytes
          ? 'total_memory'
          : null
    if (action === null) return
    this.#port.side.metrics.healthcheck(action)
    this.#session.abort(action)
  }

  #mayTransfer(bytes: number): boolean {
    if (this.#admitted === null || this.#admitted.transferred(bytes)) return true
    this.#port.counts.protocolError('policy_error')
    this.#session.close('quota')
    return false
  }

  #isActive(): void {
    this.#activeAt = this.#port.now
    if (!this.#isHibernating) return
    this.#isHibernating = false
    this.#port.counts.timerSwitched('stop', 'hibernate')
  }
}
