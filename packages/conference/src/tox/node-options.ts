import type { Env } from '@holdfast/core'
import type { ConferencesRules } from '../group/types.js'
import type { RandomBytes } from './crypto/box.js'
import type { Address } from './dht/address.js'
import type { NodeInfo } from './dht/packed-nodes.js'
import type { FriendNews, Profile } from './friends/friends.js'
import type { RelayInfo } from './relay/relays.js'
import type { BindUdp } from './udp-socket.js'

/** What a node tells the application, apart from its conferences. */
export type ToxNews =
  | FriendNews
  /** A relay was connected or lost, or the first node answered or the last fell silent: how many there are of each. */
  | { readonly kind: 'network'; readonly nodes: number; readonly relays: number }

/** Options of {@link toxNode}. */
export interface ToxNodeOptions {
  readonly env: Env
  /** Our identity: 32 secret bytes, random when it is made, kept ever after. */
  readonly secretKey: Uint8Array
  /**
   * Part of our Tox ID that can be changed.
   *
   * @defaultValue 0
   */
  readonly nospam?: number
  /**
   * What is too long is cut at a character.
   *
   * @defaultValue no name, no status message, available
   */
  readonly profile?: Partial<Profile>
  /**
   * Where to listen on UDP; port 0 takes any free one, which is best: a node that was restarted is found fastest on
   * another port (spec 12.5). `null` does without, and needs relays.
   *
   * @defaultValue `{ host: '0.0.0.0', port: 0 }`
   */
  readonly listen?: Address | null
  /** Nodes by which to get into the network. */
  readonly bootstrap?: readonly NodeInfo[]
  /** Relays to be connected to, at most 8. */
  readonly relays?: readonly RelayInfo[]
  /**
   * Finds friends on the local network and this host, and is found by them: calls out every 10 s, and listens on one of the
   * ports where nodes call, 33445 to 33455, unless `listen` names a port.
   *
   * @defaultValue false
   */
  readonly lan?: boolean
  /**
   * Addresses of the local network that are told of us every 10 s, so that friends on it are found without anything
   * else; broadcast addresses, too.
   *
   * @defaultValue none
   */
  readonly neighbours?: readonly Address[]
  /** @defaultValue {@link defaultRules} */
  readonly rules?: ConferencesRules
  /** Told what happens, one thing at a time. */
  readonly tell?: (news: ToxNews) => void
  /**
   * Binds our UDP port; for tests, in which a network fails.
   *
   * @defaultValue a socket of this host
   */
  readonly bindUdp?: BindUdp
  /**
   * Where unguessable bytes come from; for tests.
   *
   * @defaultValue `randomBytes` of node:crypto
   */
  readonly randomBytes?: RandomBytes
}
