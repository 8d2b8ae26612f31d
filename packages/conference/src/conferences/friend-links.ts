import type { DhtKey, RealKey } from '../wire/identity.js'

/** Authenticated links to peers, shared by all who want one: friends and conferences. */
export interface FriendLinks {
  /**
   * Takes a lease under a name of the holder's choice: the first one opens the link. Again under the same name it may
   * tell a better DHT key, and does nothing else.
   *
   * @param dhtKey - where to look for the peer; `null` if that is known elsewhere
   */
  want(realKey: RealKey, dhtKey: DhtKey | null, by: string): void
  /** Gives a lease back; with the last one the link closes, at once, and nothing is heard of it afterwards. */
  release(realKey: RealKey, by: string): void
  /** Sends a packet of at most 1373 bytes, in order and for certain while the link lasts; without a link it is lost. */
  send(realKey: RealKey, packet: Uint8Array): void
  /** Sends a packet that may be lost. */
  sendLossy(realKey: RealKey, packet: Uint8Array): void
}
