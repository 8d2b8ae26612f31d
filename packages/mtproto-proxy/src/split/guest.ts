import type { Off } from '@holdfast/core'
import type { DataCenters, Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from '../tunnel.js'
import { maxPacketBytes } from '../wire/packet-decoder.js'
import { SplitError } from './decoder.js'
import type { SplitHandle, SplitMessage } from './messages.js'

/** A packet of a front's client that waits until its tunnel is no longer held. */
interface WaitingPacket {
  readonly payload: Uint8Array
  readonly quickAck: boolean
}

/** A client of a front, as the data centres of the back see it. */
export class Guest implements TunnelClient {
  readonly #handle: SplitHandle
  readonly #tell: (message: SplitMessage) => void
  readonly #gone: () => void
  #tunnel: Tunnel | null = null
  #isOver = false
  #holders = 0
  /** A packet was taken, and the front not yet told that it is sent. */
  #owesSent = false
  #toldHold = false
  /** At most one, for the front sends no second one before the first is `sent`. */
  #waiting: WaitingPacket | null = null

  /** @param gone - called when the tunnel has ended from this side */
  constructor(handle: SplitHandle, tell: (message: SplitMessage) => void, gone: () => void) {
    this.#handle = handle
    this.#tell = tell
    this.#gone = gone
  }

  open(dataCenters: DataCenters, request: TunnelRequest): void {
    const tunnel = dataCenters.open(request, this)
    if ('refused' in tunnel) this.closed(tunnel.refused)
    else this.#tunnel = tunnel
  }

  /** @throws a {@link SplitError} when the packet before is still on its way, and for what no client may send */
  send(payload: Uint8Array, quickAck: boolean): void {
    const { length } = payload
    // On its way to Telegram it shares a connection with the clients of others, who would be lost with it.
    if (length === 0 || length % 4 !== 0 || length > maxPacketBytes) {
      throw new SplitError(`a front sent a packet of ${length} bytes`)
    }
    if (this.#owesSent) throw new SplitError('a front sent a packet before the one before was taken')
    this.#owesSent = true
    // The frame is lent.
    const packet = { payload: new Uint8Array(payload), quickAck }
    if (this.#holders > 0) this.#waiting = packet
    else this.#pass(packet)
  }

  delivered(packets: number, bytes: number): void {
    this.#tunnel?.delivered(packets, bytes)
  }

  close(): void {
    this.#isOver = true
    this.#waiting = null
    this.#tunnel?.close()
  }

  packet(payload: Uint8Array): void {
    this.#tell({ kind: 'packet', handle: this.#handle, quickAck: false, payload })
  }

  quickAck(confirm: Uint8Array): void {
    this.#tell({ kind: 'quick-ack', handle: this.#handle, confirm })
  }

  pause(): Off {
    this.#holders += 1
    // A front that waits for `sent` is held already.
    if (this.#holders === 1 && !this.#owesSent && !this.#isOver) {
      this.#toldHold = true
      this.#tell({ kind: 'hold', handle: this.#handle })
    }
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holders -= 1
      this.#freed()
    }
  }

  closed(why: TunnelEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#waiting = null
    this.#gone()
    this.#tell({ kind: 'closed', handle: this.#handle, why })
  }

  #pass({ payload, quickAck }: WaitingPacket): void {
    this.#tunnel?.send(payload, { quickAck })
    this.#freed()
  }

  #freed(): void {
    if (this.#holders > 0 || this.#isOver) return
    if (this.#toldHold) {
      this.#toldHold = false
      this.#tell({ kind: 'ready', handle: this.#handle })
    }
    const waiting = this.#waiting
    if (waiting !== null) {
      this.#waiting = null
      this.#pass(waiting)
    } else if (this.#owesSent) {
      this.#owesSent = false
      this.#tell({ kind: 'sent', handle: this.#handle })
    }
  }
}
