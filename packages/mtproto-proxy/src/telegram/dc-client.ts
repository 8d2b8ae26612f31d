import type { Millis, Off } from '@holdfast/core'
import type { Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from '../tunnel.js'
import type { ConnId, ProxyRequestHead } from '../wire/rpc.js'
import type { CreditAccount } from './credits.js'

/** A packet of a client that is not known to have left. */
export interface UnsentPacket {
  readonly packet: Uint8Array
  readonly quickAck: boolean
  /** {@link Link.accepted} of its link after it was written; `Infinity` before that. */
  mark: number
}

/** What a client asks of the link that it is on. */
export interface Carrier {
  /** Sends one packet of a client, which is held while the link is full. */
  send(client: DcClient, packet: Uint8Array, quickAck: boolean): void
  /** A client has taken so much of what it was handed. */
  delivered(client: DcClient, packets: number, bytes: number): void
}

/**
 * One client on the side of its data centre: the session of a pool's binding. It is on one link at a time, which
 * keeps its record here.
 */
export class DcClient implements Tunnel, CreditAccount {
  readonly request: TunnelRequest
  readonly client: TunnelClient
  unackedPackets = 0
  unackedBytes = 0
  /** The link that it is on; `null` while it is parked, and at the end. */
  link: Carrier | null = null
  /** Its name on that link; a new one on each. */
  connId: ConnId = 0n
  /** What all its packets on that link begin with; made by the first. */
  head: ProxyRequestHead | null = null
  /** Bytes that the link had accepted after its last packet: flushed so far, nothing of it is unflushed. */
  mark = 0
  /** Packets that have not been written or, where they are to be resent, have not left; `null` for none. */
  unsent: UnsentPacket[] | null = null
  /** When it was last taken off a link without being on another; `null` before the first time. */
  leftAt: Millis | null = null
  /** What is told to the client at the end; `null` if it is the one who ended. */
  verdict: TunnelEnd | null = null
  #release: (() => void) | null = null
  #hold: Off | null = null
  #isEnding = false
  #isOver = false

  constructor(request: TunnelRequest, client: TunnelClient) {
    this.request = request
    this.client = client
  }

  /** Says how to give up its place in the pool. */
  bound(release: () => void): void {
    this.#release = release
  }

  /** Stops reading the client, until {@link DcClient.proceed}. */
  hold(): void {
    if (!this.#isEnding) this.#hold ??= this.client.pause()
  }

  /** Reads the client again. */
  proceed(): void {
    const off = this.#hold
    this.#hold = null
    off?.()
  }

  /** Ends it from our side: the client is told `why`. */
  end(why: TunnelEnd): void {
    if (this.#isEnding) return
    this.verdict = why
    this.close()
  }

  /** Its place is given up. The client is told, unless it is the one who ended. */
  over(why: TunnelEnd | null): void {
    if (this.#isOver) return
    this.#isOver = this.#isEnding = true
    this.unsent = null
    this.#hold = null
    if (why !== null) this.client.closed(why)
  }

  send(packet: Uint8Array, o: { readonly quickAck: boolean }): void {
    if (this.#isEnding) return
    if (this.link !== null) this.link.send(this, packet, o.quickAck)
    else this.keep({ packet, quickAck: o.quickAck, mark: Infinity })
  }

  delivered(packets: number, bytes: number): void {
    this.link?.delivered(this, packets, bytes)
  }

  close(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#release?.()
  }

  /** Whether it gives up its place, or has. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Whether a packet has not been written to its link. */
  get isWaitingToSend(): boolean {
    return this.unsent?.at(-1)?.mark === Infinity
  }

  /** Remembers a packet that has not left. */
  keep(unsent: UnsentPacket): void {
    this.unsent ??= []
    this.unsent.push(unsent)
  }

  /** Forgets the packets that have left, by how many bytes its link has flushed. */
  forget(flushed: number): void {
    const { unsent } = this
    if (unsent === null) return
    const left = unsent.findIndex(({ mark }) => mark > flushed)
    if (left === -1) this.unsent = null
    else unsent.splice(0, left)
  }
}
