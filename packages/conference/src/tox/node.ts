import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Timer } from '@holdfast/core'
import { tcp } from '@holdfast/core/node'
import { type Conferences, conferences } from '../conferences/conferences.js'
import type { RefusedWhy } from '../group/events.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import { Arrivals } from './arrivals.js'
import { checkKey, checkNetwork, checkPlace } from './check-options.js'
import { cryptoReady, KeyPair } from './crypto/box.js'
import { SharedKeys } from './crypto/shared-keys.js'
import { toxId } from './crypto/tox-id.js'
import type { Address } from './dht/address.js'
import { Dht } from './dht/dht.js'
import type { NodeInfo } from './dht/packed-nodes.js'
import type { FriendLink } from './friends/friend-link.js'
import { type FriendNews, Friends } from './friends/friends.js'
import { isConferencePacket } from './friends/packets.js'
import { ToxFriendLinks } from './friends/tox-friend-links.js'
import { bindLanPort, lanAddresses } from './lan.js'
import { CookieJar } from './net-crypto/cookies.js'
import { NetCrypto } from './net-crypto/net-crypto.js'
import { type Path, udpPath } from './net-crypto/path.js'
import type { ToxNews, ToxNodeOptions } from './node-options.js'
import { Relays } from './relay/relays.js'
import { Traffic } from './traffic.js'
import { bindUdp, type UdpPort } from './udp-socket.js'
import { Whereabouts } from './whereabouts.js'

/** How often time passes for the parts of a node, in milliseconds. */
const tickEvery = { links: 50, network: 1000, neighbours: 10_000 }

/**
 * Starts a node of the Tox network: an identity with friends and conferences, reached over UDP and relays.
 *
 * At every start it has a new DHT key, and by default a new port, by which others notice at once that it has been
 * restarted. Close it, so that they notice that it has gone.
 *
 * @throws a `ToxPortError` when the UDP port cannot be had, an `OptionError` when an option cannot be used
 * @example
 * ```ts no-run
 * import { toxNode } from '@holdfast/conference'
 * import { nodeEnv } from '@holdfast/core/node'
 * import { randomBytes } from 'node:crypto'
 *
 * await using node = await toxNode({
 *   env: nodeEnv({ name: 'tox' }),
 *   secretKey: randomBytes(32),
 *   tell: (news) => console.log(news),
 * })
 * console.log(node.toxId)
 * ```
 */
export async function toxNode(options: ToxNodeOptions): Promise<ToxNode> {
  checkNetwork(options)
  await cryptoReady
  const node = new ToxNode(options)
  await node[begin]()
  return node
}

const begin = Symbol('begin')

/** A node at work; see {@link toxNode}. */
export class ToxNode implements AsyncDisposable {
  /** Our identity. */
  readonly realKey: RealKey
  /** Of this run. */
  readonly dhtKey: DhtKey
  /** Friends, and what they and we say. */
  readonly friends: Friends
  /** The conferences that we are in. */
  readonly conferences: Conferences
  /** Packets since the start. */
  readonly traffic = new Traffic()
  readonly #options: ToxNodeOptions
  readonly #dht: Dht
  readonly #netCrypto: NetCrypto
  readonly #friendLinks: ToxFriendLinks
  readonly #whereabouts: Whereabouts
  readonly #relays: Relays
  readonly #arrivals: Arrivals
  #socket: UdpPort | null = null
  #timers: readonly Timer[] = []
  #network = { nodes: 0, relays: 0 }
  #isClosed = false

  /** @internal */
  constructor(options: ToxNodeOptions) {
    this.#options = options
    const { env, randomBytes: random = systemRandomBytes, secretKey, profile, nospam = 0 } = options
    const real = new KeyPair(secretKey)
    const dht = new KeyPair(random(32))
    const dhtShared = new SharedKeys(dht)
    this.realKey = real.name
    this.dhtKey = dht.name
    this.#dht = new Dht(
      { keys: dht, shared: dhtShared, random },
      {
        send: (to, packet) => this.#send(udpPath(to), packet),
        found: (node, isLocal) => this.#found(node, isLocal),
      },
    )
    const realShared = new SharedKeys(real)
    this.#netCrypto = new NetCrypto(
      { real, dht, realShared, dhtShared, cookies: new CookieJar(random), random },
      {
        send: (path, packet) => this.#send(path, packet),
        isWanted: (realKey) => this.#friendLinks.isWanted(realKey),
        incoming: (connection) => this.#friendLinks.incoming(connection),
      },
    )
    const parts = { dht: this.#dht, netCrypto: this.#netCrypto, traffic: this.traffic }
    this.#arrivals = new Arrivals({ env, random, ...parts })
    this.#relays = new Relays(
      {
        env,
        dialer: tcp({ clock: env.clock }),
        dht,
        random,
        packet: (packet, from) => this.#arrivals.relay(packet, from),
        changed: () => this.#relaysChanged(),
      },
      options.relays ?? [],
    )
    this.#whereabouts = new Whereabouts({
      dht: this.#dht,
      relays: this.#relays,
      now: () => env.clock.now(),
    })
    this.#friendLinks = new ToxFriendLinks(
      { env, netCrypto: this.#netCrypto, whereabouts: this.#whereabouts },
      {
        up: (link) => this.#up(link),
        down: (realKey) => this.#down(realKey),
        packet: (link, packet) => this.#packet(link, packet),
      },
    )
    const own = { name: '', statusMessage: '', status: 'available', ...profile } as const
    this.friends = new Friends(this.#friendLinks, own, nospam, {
      tell: (news) => this.#friendNews(news),
      now: () => env.clock.now(),
    })
    this.conferences = conferences({
      env,
      self: { realKey: real.name, dhtKey: dht.name },
      links: this.#friendLinks,
      randomBytes: random,
      ...(options.rules && { rules: options.rules }),
    })
    this.conferences.setName(this.friends.profile.name)
  }

  /** By which others make us their friend. */
  get toxId(): string {
    return toxId({ realKey: this.realKey, nospam: this.friends.nospam })
  }

  /** Where we listen; `null` without UDP. */
  get address(): Address | null {
    return this.#socket?.address ?? null
  }

  /** How many connections there are to friends and members, those being made included. */
  get links(): number {
    return this.#netCrypto.size
  }

  /** How many friends and members there is a link to that is up. */
  get linksUp(): number {
    return this.#friendLinks.up
  }

  /** How many nodes of the network answer, and how many relays are connected, as of a second ago. */
  get network(): { readonly nodes: number; readonly relays: number } {
    return this.#network
  }

  /**
   * Makes a peer a friend. `at` is which node is its, and where, as far as that is known. Once closed, it does nothing.
   *
   * @throws an `OptionError` if the key or `at` can be nobody's
   */
  befriend(realKey: RealKey, at?: Pick<NodeInfo, 'dhtKey'> & Partial<NodeInfo>): void {
    checkKey('realKey', realKey)
    if (at) checkPlace('at', at)
    if (this.#isClosed) return
    if (at) this.#whereabouts.tell(realKey, at.dhtKey, at.address)
    this.friends.add(realKey)
    this.conferences.take({ kind: 'friend', realKey, is: this.#isOnline(realKey) ? 'online' : 'offline' })
  }

  /** Makes a friend one no more. Conferences may stay connected to it. */
  unfriend(realKey: RealKey): void {
    this.friends.remove(realKey)
    this.conferences.take({ kind: 'friend', realKey, is: 'none' })
  }

  /** Tells everybody of another name: at most 128 bytes of UTF-8. `null` means done. */
  rename(name: string): RefusedWhy | null {
    const refused = this.conferences.setName(name)
    if (refused === null) this.friends.introduce({ name })
    return refused
  }

  /** Asks these nodes for a way in. @throws an `OptionError` if one can be nobody's */
  bootstrap(nodes: readonly NodeInfo[]): void {
    for (const [index, node] of nodes.entries()) checkPlace(`nodes[${index}]`, node)
    this.#dht.bootstrap(nodes)
  }

  /** Tells members and friends that we go, and ends. Again, it does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.conferences.do({ kind: 'close' })
    await this.#friendLinks.close()
    this.conferences[Symbol.dispose]()
    await this.#relays.close()
    for (const timer of this.#timers) timer.cancel()
    await this.#socket?.close()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal */
  async [begin](): Promise<void> {
    const { env, bootstrap = [], neighbours = [], lan = false } = this.#options
    const { clock } = env
    const around = lan ? [...lanAddresses, ...neighbours] : neighbours
    this.#socket = await this.#bind(around.length > 0)
    this.#dht.bootstrap(bootstrap)
    const callOut = (): void => {
      for (const to of around) this.#dht.callOut(to)
    }
    callOut()
    this.#timers = [
      clock.sweep(tickEvery.links, () => this.#netCrypto.tick(clock.now())),
      clock.sweep(tickEvery.network, () => {
        this.#dht.tick(clock.now())
        this.#whereabouts.settle()
        this.#networkChanged()
      }),
      clock.sweep(tickEvery.neighbours, callOut),
    ]
    this.#dht.tick(clock.now())
    this.#relays.start()
  }

  async #bind(broadcast: boolean): Promise<UdpPort | null> {
    const { env, listen = { host: '0.0.0.0', port: 0 }, bindUdp: bind = bindUdp, lan = false } = this.#options
    if (listen === null) return null
    const at = { ...listen, broadcast }
    const receive = (packet: Uint8Array, from: Address): void => this.#arrivals.udp(packet, from)
    return lan && listen.port === 0 ? bindLanPort(bind, [at, receive], () => env.random()) : bind(at, receive)
  }

  #send(path: Path, packet: Uint8Array): void {
    const isSent =
      path.kind === 'udp' ? this.#socket?.send(path.address, packet) : this.#relays.send(path, packet)
    if (isSent === true) this.traffic.sent[path.kind] += 1
  }

  #found(node: NodeInfo, isLocal: boolean): void {
    this.#netCrypto.reach(node.dhtKey, udpPath(node.address))
    this.#whereabouts.found(node, isLocal)
  }

  #relaysChanged(): void {
    for (const path of this.#relays.wantedPaths()) this.#netCrypto.reach(path.dhtKey, path)
    this.#whereabouts.settle()
    this.#networkChanged()
  }

  #networkChanged(): void {
    const network = { nodes: this.#dht.size, relays: this.#relays.connected }
    const { nodes, relays } = this.#network
    this.#network = network
    const isTold = (nodes === 0) === (network.nodes === 0) && relays === network.relays
    if (!isTold) this.#tell({ kind: 'network', ...network })
  }

  #up(link: FriendLink): void {
    this.#whereabouts.tell(link.realKey, link.dhtKey)
    this.friends.up(link)
    this.conferences.take({ kind: 'link-up', realKey: link.realKey, dhtKey: link.dhtKey })
  }

  #down(realKey: RealKey): void {
    this.friends.down(realKey)
    // What is told from here on would be of our own leaving.
    if (!this.#isClosed) this.conferences.take({ kind: 'link-down', realKey })
  }

  #packet(link: FriendLink, packet: Uint8Array): void {
    if (!isConferencePacket(packet)) this.friends.packet(link, packet)
    else this.conferences.take({ kind: 'packet', from: link.realKey, bytes: packet })
  }

  #friendNews(news: FriendNews): void {
    if (news.kind === 'friend' && news.changed === 'isOnline') {
      const is = news.friend.isOnline ? 'online' : 'offline'
      this.conferences.take({ kind: 'friend', realKey: news.friend.realKey, is })
    }
    this.#tell(news)
  }

  #isOnline(realKey: RealKey): boolean {
    return this.friends.all.get(realKey)?.isOnline ?? false
  }

  #tell(news: ToxNews): void {
    const { tell, env } = this.#options
    try {
      tell?.(news)
    } catch (err) {
      env.log.error({ name: env.name, err }, 'the application threw when it was told something')
    }
  }
}
