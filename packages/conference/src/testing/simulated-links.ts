import type { VirtualClock } from '@holdfast/core/testing'
import type { DhtKey, RealKey } from '../wire/identity.js'

/** What the simulated links need of a peer. */
export interface LinkUser {
  readonly realKey: RealKey
  /** Of the present run of its process. */
  readonly dhtKey: DhtKey
  /** Whether its process runs and its host is awake. */
  readonly isAwake: boolean
  readonly isRunning: boolean
  /** Whether it wants a link to this peer: as a friend, or for a conference. */
  wants(other: RealKey): boolean
  /** Whether it can find this peer: a friend, or somebody whose DHT key it was told. */
  canFind(other: LinkUser): boolean
  /** A link came up, with the DHT key that the other proved. */
  up(other: RealKey, dhtKey: DhtKey): void
  /** It went down. */
  down(other: RealKey): void
  /** Something came over it. */
  packet(from: RealKey, bytes: Uint8Array): void
}

/** How the network behaves; may be changed while it runs. */
export interface NetworkWeather {
  /** One way, in milliseconds. */
  latency: { readonly min: number; readonly max: number }
  /** Share of packets that are lost: datagrams for good, others until they are sent again. */
  loss: number
}

/** A link dies when nothing was heard for this long (spec 1). */
const deadAfterMs = 32_000
/** How long a lossless packet takes to be sent again. */
const resendMs = 1000

interface End {
  readonly user: LinkUser
  isUp: boolean
}

class SimulatedLink {
  readonly ends: readonly [End, End]
  /** When the last packet in either direction arrives: they stay in order. */
  readonly busyUntil: [number, number] = [0, 0]
  readonly waiting: [Uint8Array[], Uint8Array[]] = [[], []]

  constructor(a: LinkUser, b: LinkUser) {
    this.ends = [
      { user: a, isUp: true },
      { user: b, isUp: true },
    ]
  }
}

/**
 * Friend connections in memory: a link between two peers comes up when both run, want each other, can reach each
 * other, and one of them can find the other. It lives through interruptions of less than 32 s.
 */
export class SimulatedLinks {
  readonly weather: NetworkWeather
  /** Packets sent since the beginning, by all. */
  sent = 0
  readonly #clock: VirtualClock
  readonly #random: () => number
  readonly #users = new Map<RealKey, LinkUser>()
  readonly #links = new Map<string, SimulatedLink>()
  readonly #opening = new Set<string>()
  #isReachable: (a: LinkUser, b: LinkUser) => boolean = () => true

  constructor(clock: VirtualClock, random: () => number, weather: NetworkWeather) {
    this.#clock = clock
    this.#random = random
    this.weather = weather
  }

  /** Lets somebody have links. */
  add(user: LinkUser): void {
    this.#users.set(user.realKey, user)
  }

  /** Who can reach whom from now on; of hosts that are awake. */
  route(isReachable: (a: LinkUser, b: LinkUser) => boolean): void {
    this.#isReachable = isReachable
    this.changed()
  }

  /** Something that decides about links has changed: a route, somebody's wishes, or who runs and is awake. */
  changed(): void {
    const users = [...this.#users.values()]
    for (const [index, a] of users.entries()) for (const b of users.slice(index + 1)) this.#consider(a, b)
  }

  /** Somebody wants a link. */
  wanted(user: LinkUser, other: RealKey): void {
    const peer = this.#users.get(other)
    if (peer) this.#consider(user, peer)
  }

  /** Somebody does not want a link any more, or its process ended with a word of farewell. */
  closed(user: LinkUser, other: RealKey): void {
    const link = this.#links.get(pair(user.realKey, other))
    const [mine, theirs] = endsOf(link, user)
    if (!link || !mine?.isUp || !theirs) return
    mine.isUp = false
    if (theirs.isUp && this.#canPass(user, theirs.user))
      this.#later(this.#latency(), () => this.#fall(link, theirs))
  }

  /** The process of a peer ended without a word. */
  crashed(user: LinkUser): void {
    for (const link of this.#links.values()) {
      const [mine, theirs] = endsOf(link, user)
      if (mine && theirs) {
        mine.isUp = false
        this.#watch(link, theirs)
      }
    }
  }

  /** Over a link that is up for the sender; otherwise it is gone. */
  send(from: LinkUser, to: RealKey, bytes: Uint8Array, isLossless: boolean): void {
    const link = this.#links.get(pair(from.realKey, to))
    const [mine, theirs] = endsOf(link, from)
    if (!link || !mine?.isUp || !theirs) return
    this.sent += 1
    const isLost = this.#random() < this.weather.loss
    if (isLossless) {
      const side = link.ends.indexOf(mine)
      const queue = link.waiting[side]
      if (queue && queue.length > 0) queue.push(bytes)
      else this.#carry(link, side, bytes, isLost ? resendMs : 0)
    } else if (!isLost && this.#canPass(from, theirs.user)) {
      this.#later(this.#latency(), () => this.#deliver(link, theirs, from.realKey, bytes))
    }
  }

  /** Whether both ends hold the link to be up. */
  areLinked(a: RealKey, b: RealKey): boolean {
    return this.#links.get(pair(a, b))?.ends.every(({ isUp }) => isUp) ?? false
  }

  #consider(a: LinkUser, b: LinkUser): void {
    const key = pair(a.realKey, b.realKey)
    const link = this.#links.get(key)
    if (link && this.#canPass(a, b)) this.#flush(link)
    else if (link) for (const end of link.ends) this.#watch(link, end)
    if (this.#opening.has(key) || !this.#canOpen(a, b)) return
    this.#opening.add(key)
    this.#later(100 + this.#random() * 1400, () => {
      this.#opening.delete(key)
      if (this.#canOpen(a, b)) this.#open(a, b)
      else this.#consider(a, b)
    })
  }

  #canOpen(a: LinkUser, b: LinkUser): boolean {
    const link = this.#links.get(pair(a.realKey, b.realKey))
    const isFine = link?.ends.every(({ isUp }) => isUp) ?? false
    const wanted = a.wants(b.realKey) && b.wants(a.realKey)
    return !isFine && wanted && this.#canPass(a, b) && (a.canFind(b) || b.canFind(a))
  }

  #open(a: LinkUser, b: LinkUser): void {
    const key = pair(a.realKey, b.realKey)
    const old = this.#links.get(key)
    if (old) for (const end of old.ends) this.#fall(old, end)
    this.#links.set(key, new SimulatedLink(a, b))
    a.up(b.realKey, b.dhtKey)
    b.up(a.realKey, a.dhtKey)
  }

  /** A link end that hears nothing goes down after a while. */
  #watch(link: SimulatedLink, end: End): void {
    if (!end.isUp) return
    this.#later(deadAfterMs + this.#random() * 1000, () => {
      if (this.#isAlive(link)) return
      if (end.user.isAwake) this.#fall(link, end)
      else this.#watch(link, end)
    })
  }

  #isAlive(link: SimulatedLink): boolean {
    const [a, b] = link.ends
    return a.isUp && b.isUp && this.#canPass(a.user, b.user)
  }

  #fall(link: SimulatedLink, end: End): void {
    if (!end.isUp) return
    end.isUp = false
    const other = link.ends.find((one) => one !== end)
    if (!other || !end.user.isRunning) return
    end.user.down(other.user.realKey)
    this.#consider(end.user, other.user)
  }

  /** Sends what had to wait for the way to be free. */
  #flush(link: SimulatedLink): void {
    for (const side of [0, 1]) {
      const queue = link.waiting[side]?.splice(0) ?? []
      for (const bytes of queue) this.#carry(link, side, bytes, resendMs)
    }
    // An end that went down meanwhile has told nobody.
    for (const end of link.ends) {
      if (end.isUp && !this.#isAlive(link)) this.#later(this.#latency(), () => this.#fall(link, end))
    }
  }

  #carry(link: SimulatedLink, side: number, bytes: Uint8Array, delay: number): void {
    const from = link.ends[side]
    const to = link.ends[1 - side]
    if (!from || !to) return
    const at = Math.max(link.busyUntil[side] ?? 0, this.#clock.now() + this.#latency() + delay)
    link.busyUntil[side] = at
    this.#later(at - this.#clock.now(), () => {
      if (this.#canPass(from.user, to.user) && link.waiting[side]?.length === 0) {
        this.#deliver(link, to, from.user.realKey, bytes)
      } else link.waiting[side]?.push(bytes)
    })
  }

  #deliver(link: SimulatedLink, to: End, from: RealKey, bytes: Uint8Array): void {
    if (to.isUp && to.user.isAwake && this.#links.get(pair(to.user.realKey, from)) === link)
      to.user.packet(from, bytes)
  }

  #canPass(a: LinkUser, b: LinkUser): boolean {
    return a.isAwake && b.isAwake && this.#isReachable(a, b)
  }

  #latency(): number {
    const { min, max } = this.weather.latency
    return min + this.#random() * (max - min)
  }

  #later(ms: number, fn: () => void): void {
    this.#clock.after(ms, fn)
  }
}

function pair(a: RealKey, b: RealKey): string {
  return a < b ? a + b : b + a
}

function endsOf(link: SimulatedLink | undefined, user: LinkUser): readonly [End?, End?] {
  if (!link) return []
  const [a, b] = link.ends
  if (a.user === user) return [a, b]
  return b.user === user ? [b, a] : []
}
