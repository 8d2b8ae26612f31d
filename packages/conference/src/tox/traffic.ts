/** Why a packet that came was not used. */
export type DropReason =
  /** It says that it comes from where nobody can be. */
  | 'forged-source'
  /** Its host has sent more than its share. */
  | 'host-limit'
  /** Too many strangers have come with new keys, or there can be none with this one. */
  | 'stranger-limit'
  /** We speak no such protocol. */
  | 'unknown-kind'
  /** It is malformed, of no connection of ours, or not made with the key that it names. */
  | 'unreadable'
  /** A handshake by a cookie that is not ours, or too old. */
  | 'bad-cookie'
  /** A handshake of somebody to whom nobody here wants a link. */
  | 'unwanted'

/** How many packets a node has sent and received, and dropped, since it was started. */
export class Traffic {
  readonly received = { udp: 0, relay: 0 }
  readonly sent = { udp: 0, relay: 0 }
  readonly dropped: Readonly<Record<DropReason, number>>
  readonly #dropped: Record<DropReason, number> = {
    'forged-source': 0,
    'host-limit': 0,
    'stranger-limit': 0,
    'unknown-kind': 0,
    unreadable: 0,
    'bad-cookie': 0,
    unwanted: 0,
  }

  constructor() {
    this.dropped = this.#dropped
  }

  /** A packet was not used, if there is a reason. */
  note(why: DropReason | null): void {
    if (why !== null) this.#dropped[why] += 1
  }
}
