/** What one client was handed and has not acknowledged. Changed by {@link Credits} only; begins with zeros. */
export interface CreditAccount {
  unackedPackets: number
  unackedBytes: number
}

/** Limits of {@link Credits} (spec 6.5). Read at every test, so they may change while it is in use. */
export interface CreditLimits {
  /** Packets that all clients of one connection together may have in hand. */
  readonly packetsTotal: number
  /** The same in bytes. */
  readonly bytesTotal: number
  /** Packets for each client, on average. */
  readonly packetsPerClient?: number | undefined
  /** Bytes for each client, on average. */
  readonly bytesPerClient?: number | undefined
  /** Bytes that any one client may have in hand before it is given up, so that it does not hold up the others. */
  readonly bytesOfOneClient: number
}

/** Which limit was passed: label `state` of the metric `down_backpressure_total`. */
export type CreditOverflow = 'count_total' | 'bytes_total' | 'count_per_upstream' | 'bytes_per_upstream'

/**
 * Counts what Telegram sent over one connection and clients have not taken yet (spec 6.5): too much of it, and reading
 * stops. Pure: whoever drives it pauses while `overflow` is not null.
 *
 * @example
 * ```ts
 * import { Credits } from '@holdfast/mtproto-proxy'
 *
 * const credits = new Credits({ packetsTotal: 1, bytesTotal: 1000, bytesOfOneClient: 1000 })
 * const client = { unackedPackets: 0, unackedBytes: 0 }
 * credits.join()
 * credits.deliver(client, 100)
 * credits.overflow // => null
 * credits.deliver(client, 100)
 * credits.overflow // => 'count_total'
 * credits.ack(client, 1, 100)
 * credits.overflow // => null
 * ```
 */
export class Credits {
  readonly #limits: CreditLimits
  #clients = 0
  #packets = 0
  #bytes = 0
  #overflow: CreditOverflow | null = null

  constructor(limits: CreditLimits) {
    this.#limits = limits
  }

  /** Packets that clients have in hand. */
  get packets(): number {
    return this.#packets
  }

  /** Bytes that clients have in hand. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why reading has to stop; stays at the first reason until nothing is exceeded any more. */
  get overflow(): CreditOverflow | null {
    return this.#overflow
  }

  /** One more client shares the connection; its account is at zero. */
  join(): void {
    this.#clients += 1
    this.#test()
  }

  /** A client is gone, and what it had in hand with it. */
  leave(account: CreditAccount): void {
    this.#clients -= 1
    this.ack(account, account.unackedPackets, account.unackedBytes)
  }

  /** A packet is handed to a client. */
  deliver(account: CreditAccount, bytes: number): void {
    account.unackedPackets += 1
    account.unackedBytes += bytes
    this.#packets += 1
    this.#bytes += bytes
    this.#test()
  }

  /** Whether a client alone has more in hand than any may have. */
  isOverdrawn(account: CreditAccount): boolean {
    return account.unackedBytes > this.#limits.bytesOfOneClient
  }

  /** A client has taken so much. More than it had in hand counts as all of it. */
  ack(account: CreditAccount, packets: number, bytes: number): void {
    const takenPackets = Math.min(packets, account.unackedPackets)
    const takenBytes = Math.min(bytes, account.unackedBytes)
    account.unackedPackets -= takenPackets
    account.unackedBytes -= takenBytes
    this.#packets -= takenPackets
    this.#bytes -= takenBytes
    if (this.#overflow !== null) this.#test()
  }

  #test(): void {
    const exceeded = this.#exceeded()
    this.#overflow = exceeded === null ? null : (this.#overflow ?? exceeded)
  }

  /** In the order that the specification gives. */
  #exceeded(): CreditOverflow | null {
    const { packetsTotal, bytesTotal, packetsPerClient, bytesPerClient } = this.#limits
    if (this.#packets > packetsTotal) return 'count_total'
    if (this.#bytes > bytesTotal) return 'bytes_total'
    if (packetsPerClient !== undefined && this.#packets > this.#clients * packetsPerClient) {
      return 'count_per_upstream'
    }
    if (bytesPerClient !== undefined && this.#bytes > this.#clients * bytesPerClient) {
      return 'bytes_per_upstream'
    }
    return null
  }
}
