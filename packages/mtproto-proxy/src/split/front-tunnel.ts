import type { Binding, End, Millis, Off } from '@holdfast/core'
import type { Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from '../tunnel.js'
import type { SplitHandle, SplitMessage } from './messages.js'

/** A link to the back, as a tunnel uses it. */
export interface BackConnection {
  /** Asks for a tunnel, and says by which handle the back knows it. */
  open(tunnel: FrontTunnel): SplitHandle
  /** Nothing of this handle is wanted any more. */
  forget(handle: SplitHandle): void
  /** Has a tunnel send the packet that it has waiting, as soon as the link takes more. */
  turnOf(tunnel: FrontTunnel): void
  tell(message: SplitMessage): void
}

/** What the end of a binding to the back means for its client. */
export function tunnelEnd({ code }: End): TunnelEnd {
  switch (code) {
    case 'mid-send':
    case 'park-full':
      return code
    case 'park-expired':
    case 'no-link':
      return 'back-lost'
    case undefined:
    default:
      return 'closed'
  }
}

/** A client's tunnel through the split link: the session of a binding. Each link that it is on knows it by a handle. */
export class FrontTunnel implements Tunnel {
  readonly request: TunnelRequest
  readonly #client: TunnelClient
  #binding: Binding<FrontTunnel, BackConnection> | null = null
  #on: { readonly link: BackConnection; readonly handle: SplitHandle } | null = null
  /** The client is not read for up to three reasons. */
  #sending: Off | null = null
  #held: Off | null = null
  #parked: Off | null = null
  /** A packet that waits for its turn on a full link. */
  #unsent: { readonly payload: Uint8Array; readonly quickAck: boolean } | null = null
  #awaitsAnswer = false
  #isOver = false
  /** When it was taken off a link without being on another; `null` while it is on one. */
  leftAt: Millis | null = null

  constructor(request: TunnelRequest, client: TunnelClient) {
    this.request = request
    this.#client = client
  }

  /** Whether a packet is on its way to the back. */
  get isSending(): boolean {
    return this.#sending !== null
  }

  /** Whether nothing has come for the client since it last sent: a request may be under way. */
  get awaitsAnswer(): boolean {
    return this.#awaitsAnswer
  }

  bound(binding: Binding<FrontTunnel, BackConnection>): void {
    this.#binding = binding
    if (binding.on === null && !this.#isOver) this.#parked ??= this.#client.pause()
  }

  // For the client's side ----------------------------------------------------------------------------------------

  send(packet: Uint8Array, { quickAck }: { readonly quickAck: boolean }): void {
    if (this.#on === null || this.#isOver) return
    this.#awaitsAnswer = true
    this.#sending = this.#client.pause()
    this.#unsent = { payload: packet, quickAck }
    this.#on.link.turnOf(this)
  }

  delivered(packets: number, bytes: number): void {
    if (this.#on === null) return
    const { link, handle } = this.#on
    link.tell({ kind: 'delivered', handle, packets, bytes })
  }

  close(): void {
    this.#isOver = true
    this.#binding?.release()
  }

  // For the link -------------------------------------------------------------------------------------------------

  /** It is its turn to send. */
  sendWaiting(): void {
    if (this.#on === null || this.#unsent === null) return
    const { link, handle } = this.#on
    const { payload, quickAck } = this.#unsent
    this.#unsent = null
    link.tell({ kind: 'packet', handle, quickAck, payload })
  }

  packet(payload: Uint8Array): void {
    this.#awaitsAnswer = false
    this.#client.packet(payload)
  }

  quickAck(confirm: Uint8Array): void {
    this.#client.quickAck(confirm)
  }

  sent(): void {
    // The client may send the next packet at once, from within.
    const off = this.#sending
    this.#sending = null
    off?.()
  }

  hold(): void {
    this.#held ??= this.#client.pause()
  }

  ready(): void {
    const off = this.#held
    this.#held = null
    off?.()
  }

  /** The back has ended it. */
  closed(why: TunnelEnd): void {
    this.#on = null
    this.#end(why)
    this.#binding?.release()
  }

  // For the pool -------------------------------------------------------------------------------------------------

  attach(link: BackConnection): void {
    this.leftAt = null
    this.#on = { link, handle: link.open(this) }
    const off = this.#parked
    this.#parked = null
    off?.()
  }

  detach(linkAlive: boolean, now: Millis): void {
    this.leftAt = now
    if (this.#on !== null) {
      const { link, handle } = this.#on
      link.forget(handle)
      if (linkAlive) link.tell({ kind: 'close', handle })
    }
    this.#on = null
    if (this.#isOver) return
    // Held by the back that is gone; the next one says for itself.
    this.#parked ??= this.#client.pause()
    this.ready()
  }

  released(why: End): void {
    this.#end(tunnelEnd(why))
  }

  #end(why: TunnelEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#client.closed(why)
  }
}
