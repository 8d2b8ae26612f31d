import { admission, type Dialer, type Endpoint, end, type LinkSink, type Millis } from '../index.js'
import { FaultyLink } from './faulty-link.js'
import { dialTakes, type Reconnect, reconnectingClient } from './herd-client.js'
import { seededRandom } from './seeded-random.js'
import { testEnv } from './test-env.js'
import { VirtualClock } from './virtual-clock.js'

/** Options of {@link simulateHerd}. */
export interface HerdOptions {
  /** How many connections the server establishes in a second after its return; more wait for their turn. */
  readonly capacity: number
  /** @defaultValue 10000 */
  readonly clients?: number
  /**
   * How long the server refuses connections after it has closed them all, in milliseconds.
   *
   * @defaultValue 60000
   */
  readonly downFor?: Millis
  /** How the clients reconnect; by default as a lifecycle does. */
  readonly reconnect?: Reconnect
  /**
   * Whether all clients live in one process and share its admission gate; otherwise each has a process of its own.
   *
   * @defaultValue false
   */
  readonly oneProcess?: boolean
  /** @defaultValue 1 */
  readonly seed?: number
}

/** What became of a herd. */
export interface HerdReport {
  /** Connections that reached the returned server in the busiest second, wherever that second begins. */
  readonly peak: number
  /** When everybody was connected again, counted from the server's return; `Infinity` if not within an hour. */
  readonly backAfter: Millis
  /** Connections attempted for each client, from the loss on. */
  readonly dialsEach: number
}

/** How long everybody is connected before the server goes. */
const calm: Millis = 60_000
const patience: Millis = 3_600_000

/**
 * Lets a server lose all its clients at once, be away for a while, and come back, on a virtual clock.
 *
 * @example
 * ```ts
 * import { simulateHerd } from '@holdfast/core/testing'
 *
 * const together = simulateHerd({ clients: 100, capacity: 20, reconnect: () => ({ backoff: () => 1000 }) })
 * together.peak // => 100
 * simulateHerd({ clients: 100, capacity: 20 }).peak < 20 // => true
 * ```
 */
export function simulateHerd(options: HerdOptions): HerdReport {
  const { capacity, clients = 10_000, downFor = 60_000, reconnect = () => ({}), seed = 1 } = options
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const server = new HerdServer(clock)
  const shared = options.oneProcess === true ? admission({ clock }) : null
  for (let client = 0; client < clients; client += 1) {
    reconnectingClient(
      testEnv({ clock, random, admission: shared ?? admission({ clock }) }),
      server,
      reconnect,
    )
  }
  while (server.connected < clients) clock.advance(1000)
  clock.advance(calm)
  server.goDown()
  clock.advance(downFor)
  server.comeBack(capacity)
  const returned = clock.now()
  while (server.connected < clients && clock.now() < returned + patience) clock.advance(1000)
  return {
    peak: busiest(server.arrivals, 1000),
    backAfter: server.connected < clients ? Infinity : server.lastOpened - returned,
    dialsEach: server.dials / clients,
  }
}

/** Establishes one connection after the other, at the pace of its capacity, and refuses all while it is down. */
class HerdServer implements Dialer {
  readonly #clock: VirtualClock
  readonly #open = new Set<FaultyLink>()
  #queue: FaultyLink[] = []
  #served = 0
  #isBusy = false
  #isUp = true
  #every: Millis = 0
  /** Connections asked for since the server went down. */
  dials = 0
  /** When each connection reached the server since its return. */
  readonly arrivals: Millis[] = []
  lastOpened: Millis = 0

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get connected(): number {
    return this.#open.size
  }

  dial(to: Endpoint, sink: LinkSink): FaultyLink {
    const link = new FaultyLink(to, sink)
    this.dials += 1
    this.#clock.after(dialTakes, () => this.#arrive(link))
    return link
  }

  goDown(): void {
    this.#isUp = false
    this.dials = 0
    for (const link of this.#open) {
      this.#open.delete(link)
      link.closeByPeer()
    }
  }

  comeBack(perSecond: number): void {
    this.#isUp = true
    this.#every = 1000 / perSecond
    this.arrivals.length = 0
  }

  #arrive(link: FaultyLink): void {
    if (!this.#isUp) {
      link.fail(end('dial-failed', { code: 'ECONNREFUSED' }))
      return
    }
    this.arrivals.push(this.#clock.now())
    this.#queue.push(link)
    if (!this.#isBusy) this.#serve()
  }

  /** Establishes the next connection that its client still waits for. */
  #serve(): void {
    this.#isBusy = false
    for (let link = this.#next(); link !== undefined; link = this.#next()) {
      if (link.phase !== 'opening') continue
      this.#isBusy = true
      this.#open.add(link)
      this.lastOpened = this.#clock.now()
      link.open()
      this.#clock.after(this.#every, () => this.#serve())
      return
    }
  }

  #next(): FaultyLink | undefined {
    const link = this.#queue[this.#served]
    this.#served += 1
    if (link === undefined) {
      this.#queue = []
      this.#served = 0
    }
    return link
  }
}

/** The most points that any window of this length holds; `times` ascend. */
function busiest(times: readonly Millis[], window: Millis): number {
  let most = 0
  let first = 0
  times.forEach((time, index) => {
    while ((times[first] ?? time) <= time - window) first += 1
    most = Math.max(most, index + 1 - first)
  })
  return most
}
