import {
  type End,
  type Env,
  end,
  type LinkId,
  type LinkProtocol,
  type LinkScope,
  type Millis,
  type Off,
} from '@holdfast/core'
import type { DataCenterMetrics } from '../metrics/types.js'
import type { FrameChannel } from '../wire/frame-channel.js'
import { parseIp, type SocketAddress } from '../wire/ip-address.js'
import { type HandshakeEffect, MiddleHandshake } from '../wire/middle-handshake.js'
import { type FrameError, type MiddleHandshakeError, RpcError } from '../wire/middle-proxy-error.js'
import {
  type ConnId,
  decodeMiddleMessage,
  encodeCloseConn,
  encodePing,
  encodePong,
  type MiddleMessage,
} from '../wire/rpc.js'
import { type CreditLimits, Credits } from './credits.js'
import type { Carrier, DcClient } from './dc-client.js'
import { Outbox } from './outbox.js'
import { RecentIds } from './recent-ids.js'

/** What the connections to one data centre have in common. Read when it is needed, so it may change. */
export interface DcLinkSettings {
  readonly env: Env
  readonly metrics: DataCenterMetrics
  /** Cryptographically random. */
  readonly randomBytes: (size: number) => Uint8Array
  /** A number that no other client of this process has. */
  readonly nextConnId: () => ConnId
  readonly proxySecret: Uint8Array
  /** Our public address, 16 bytes; `null`: that of the socket. */
  readonly externalIp: Uint8Array | null
  readonly credits: CreditLimits
  /** Whether checksums of frames are compared. */
  readonly verifyChecksums: boolean
  /** Whether packets are kept until they have left, to be sent again on another link (spec 9.6). */
  readonly resendUnsent: boolean
  /** The age at which a connection asks to be replaced, before Telegram closes it; `null` for never. */
  readonly replaceAfter: Millis | null
  /**
   * Calls back once at the end of this turn of the event loop, so that what many clients send in it is one write. Left
   * out: every packet is written at once.
   */
  readonly afterTurn?: ((run: () => void) => void) | undefined
  /** How long reading may stop for clients that take nothing, before the slowest of them is given up (R11). */
  readonly pauseWithin: Millis
}

const sweepEvery: Millis = 1000
/**
 * Who takes nothing for so long while all others wait for it is given up: a phone between two cells may be back sooner,
 * one that has stopped reading never is.
 */
const stuckAfter: Millis = 3000
/** How many clients that are gone a link remembers, so that Telegram is told only once of each. */
const goneMax = 1024

type Phase =
  | { readonly kind: 'handshake'; readonly handshake: MiddleHandshake }
  | { readonly kind: 'ready'; readonly channel: FrameChannel; readonly since: Millis }
  | { readonly kind: 'over' }

/**
 * One connection to a middle proxy, shared by many clients (spec 5, 6.3): handshake, frames, and whom of the clients a
 * message is for. Clients get on by {@link DcLink.add} and off by {@link DcLink.remove}, called by the pool's mover.
 */
export class DcLink implements LinkProtocol, Carrier {
  readonly #scope: LinkScope
  readonly #settings: DcLinkSettings
  readonly #replace: (link: LinkId) => void
  readonly #outbox: Outbox
  readonly #clients = new Map<ConnId, DcClient>()
  readonly #gone = new RecentIds(goneMax)
  readonly #credits: Credits
  #phase: Phase
  #isReading = false
  /** Reading has stopped: since when, and what makes it go on. */
  #paused: { readonly since: Millis; readonly resume: Off } | null = null
  /** When reading stopped last. */
  #pausedAt: Millis = -Infinity
  /** Who had more than its share in hand when reading stopped, since when, and has taken nothing since. */
  readonly #stuck = new Map<DcClient, Millis>()
  #pings = 0n

  /** @param replace - takes its clients off it, in favour of another */
  constructor(scope: LinkScope, settings: DcLinkSettings, replace: (link: LinkId) => void) {
    this.#scope = scope
    this.#replace = replace
    this.#settings = settings
    this.#credits = new Credits(settings.credits)
    const { us, them } = addressesOf(scope, settings.externalIp)
    this.#outbox = new Outbox(scope, settings, us)
    const handshake = new MiddleHandshake({
      proxySecret: settings.proxySecret,
      clientNonce: settings.randomBytes(16),
      timestamp: this.#unixSeconds,
      server: them,
      client: us,
      verify: settings.verifyChecksums,
    })
    this.#phase = { kind: 'handshake', handshake }
    this.#outbox.write(handshake.greeting)
    scope.sweep(sweepEvery, () => this.#sweep())
  }

  /** How many clients are on it. */
  get clients(): number {
    return this.#clients.size
  }

  // What the link says -------------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    this.#settings.metrics.received.inc(chunk.length)
    const phase = this.#phase
    if (phase.kind === 'handshake') {
      for (const effect of phase.handshake.push(chunk, this.#unixSeconds)) this.#handshakes(effect)
    } else if (phase.kind === 'ready') {
      phase.channel.feed(chunk)
      this.#read()
    }
  }

  writable(): void {
    this.#outbox.writable()
  }

  retire(): void {
    this.#outbox.retire()
  }

  probe(): void {
    this.#pings += 1n
    this.#outbox.say(encodePing(this.#pings))
  }

  ended(why: End): void {
    const phase = this.#phase
    this.#phase = { kind: 'over' }
    this.#outbox.close()
    const { env, metrics } = this.#settings
    if (phase.kind === 'ready') metrics.linkLifetime.observe((this.#now - phase.since) / 1000)
    else if (phase.kind === 'handshake' && (why.kind === 'closed-by-peer' || why.kind === 'reset-by-peer')) {
      env.log.warn({ name: env.name, link: this.#scope.link.id }, phase.handshake.ended().message)
    }
  }

  // What the mover says ------------------------------------------------------------------------------------------

  /** Takes a client. What it has not sent goes out now. */
  add(client: DcClient): void {
    client.link = this
    client.connId = this.#settings.nextConnId()
    client.mark = 0
    this.#clients.set(client.connId, client)
    this.#credits.join()
    this.#outbox.sendWaiting(client)
  }

  /** Loses a client; while the link lives, Telegram is told. */
  remove(client: DcClient, linkAlive: boolean): void {
    if (client.link !== this) return
    this.#outbox.leave(client, linkAlive)
    client.link = null
    client.head = null
    this.#credits.leave(client)
    this.#stuck.delete(client)
    if (this.#clients.delete(client.connId) && linkAlive) this.#closeConn(client.connId)
    this.#regulate()
  }

  /** Whether a client can leave (spec 9, I15): nothing of it is under way, or all that is would be sent again. */
  canLeave(client: DcClient): boolean {
    return this.#outbox.canLeave(client)
  }

  // What the client says -----------------------------------------------------------------------------------------

  send(client: DcClient, packet: Uint8Array, quickAck: boolean): void {
    client.keep({ packet, quickAck, mark: Infinity })
    this.#outbox.send(client, packet.length)
  }

  delivered(client: DcClient, packets: number, bytes: number): void {
    this.#stuck.delete(client)
    this.#credits.ack(client, packets, bytes)
    this.#regulate()
  }

  // What Telegram says -------------------------------------------------------------------------------------------

  #handshakes(effect: HandshakeEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#outbox.write(effect.bytes)
        return
      case 'failed':
        this.#phase = { kind: 'over' }
        this.#scope.fail(refused(effect.error))
        return
      case 'ready':
        this.#phase = { kind: 'ready', channel: effect.channel, since: this.#now }
        this.#outbox.open(effect.channel)
        this.#settings.metrics.connected.inc()
        this.#scope.armKeepalive()
        this.#scope.ready()
        this.#growOld()
        this.#read()
    }
  }

  /** Spread, so that connections that began together do not all go together. */
  #growOld(): void {
    const { replaceAfter, env } = this.#settings
    if (replaceAfter === null) return
    const age = replaceAfter * (0.8 + 0.4 * env.random())
    this.#scope.after(age, () => this.#replace(this.#scope.link.id))
  }

  /** All that has come, whatever becomes of the link meanwhile. */
  #read(): void {
    this.#isReading = true
    while (this.#phase.kind === 'ready') {
      const body = this.#phase.channel.next()
      if (body === null) break
      const message = body instanceof Error ? body : decodeMiddleMessage(body)
      if (message instanceof Error) this.#broken(message)
      else this.#take(message)
    }
    this.#isReading = false
    this.#regulate()
  }

  #take(message: MiddleMessage): void {
    switch (message.kind) {
      case 'answer':
        this.#answer(message.connId, message.payload)
        return
      case 'simple-ack':
        this.#client(message.connId)?.client.quickAck(message.confirm)
        return
      case 'close': {
        const client = this.#clients.get(message.connId)
        this.#clients.delete(message.connId)
        this.#gone.add(message.connId)
        client?.end('closed-by-telegram')
        return
      }
      case 'ping':
        // Whoever takes nothing gets no more of our answers.
        if (!this.#outbox.isFull) this.#outbox.say(encodePong(message.id))
        return
      case 'pong':
        return
      case 'unknown': {
        const { env } = this.#settings
        const { type, bytes } = message
        env.log.debug({ name: env.name, type: type.toString(16), bytes }, 'a message that we do not know')
      }
    }
  }

  #answer(connId: ConnId, payload: Uint8Array): void {
    const client = this.#client(connId)
    if (client === undefined) return
    this.#credits.deliver(client, payload.length)
    client.client.packet(payload)
    if (this.#credits.isOverdrawn(client)) client.end('overflow')
  }

  /** Telegram is told of a client that we do not know, so that it stops sending for it. */
  #client(connId: ConnId): DcClient | undefined {
    const client = this.#clients.get(connId)
    if (client === undefined && !this.#outbox.isFull && !this.#gone.has(connId)) this.#closeConn(connId)
    return client
  }

  #broken(error: FrameError | RpcError | Error): void {
    const code = error instanceof RpcError ? error.code : 'frame'
    this.#scope.fail(end('protocol-error', { code, detail: error.message, cause: error }))
  }

  #closeConn(connId: ConnId): void {
    this.#gone.add(connId)
    this.#outbox.mention(encodeCloseConn(connId))
  }

  // Back-pressure ------------------------------------------------------------------------------------------------

  /** Stops or goes on reading as the credits say (spec 6.5), once what was read has been handed out. */
  #regulate(): void {
    if (this.#isReading || this.#phase.kind !== 'ready') return
    const { overflow } = this.#credits
    const { metrics } = this.#settings
    const paused = this.#paused
    if (overflow !== null && paused === null) {
      this.#pausedAt = this.#now
      this.#paused = { since: this.#now, resume: this.#scope.link.pause() }
      // Not anew: between pauses reading may go on for a packet or two.
      for (const hog of this.#hogs()) if (!this.#stuck.has(hog)) this.#stuck.set(hog, this.#now)
      metrics.backpressure(overflow)
    } else if (overflow === null && paused !== null) {
      this.#paused = null
      metrics.backpressure('off')
      metrics.backpressureDuration.observe((this.#now - paused.since) / 1000)
      paused.resume()
    }
  }

  #sweep(): void {
    this.#outbox.sweep()
    if (this.#paused === null && this.#now - this.#pausedAt > sweepEvery) this.#stuck.clear()
    // All of them at once: one after the other, the rest would wait for each.
    for (const [client, since] of this.#stuck) if (this.#now - since >= stuckAfter) client.end('overflow')
    if (this.#paused === null || this.#now - this.#paused.since < this.#settings.pauseWithin) return
    // A close is not noticed while reading has stopped, so this must not last (R11).
    this.#slowest()?.end('overflow')
  }

  /** Who has more in hand than clients have on average. */
  *#hogs(): Iterable<DcClient> {
    const { bytes, packets } = this.#credits
    const { size } = this.#clients
    for (const client of this.#clients.values()) {
      if (client.unackedBytes * size > bytes || client.unackedPackets * size > packets) yield client
    }
  }

  #slowest(): DcClient | null {
    let slowest: DcClient | null = null
    for (const client of this.#clients.values()) {
      if (client.unackedBytes > (slowest?.unackedBytes ?? 0)) slowest = client
    }
    return slowest
  }

  get #now(): Millis {
    return this.#settings.env.clock.now()
  }

  get #unixSeconds(): number {
    return Math.floor(this.#settings.env.clock.wall() / 1000)
  }
}

function refused(error: MiddleHandshakeError): End {
  return end('handshake-refused', { code: error.problem, detail: error.message, cause: error })
}

const nowhere = new Uint8Array(16)

/** What both sides derive keys from. Where a transport has no addresses, that of the middle proxy is in its URI. */
function addressesOf(
  { link, endpoint }: LinkScope,
  externalIp: Uint8Array | null,
): { readonly us: SocketAddress; readonly them: SocketAddress } {
  const { local, remote } = link.addresses ?? {}
  const named = URL.canParse(endpoint.uri) ? new URL(endpoint.uri) : { hostname: '', port: '' }
  const host = remote?.host ?? named.hostname.replace(/^\[|\]$/g, '')
  return {
    us: {
      ip: externalIp ?? (local === undefined ? null : parseIp(local.host)) ?? nowhere,
      port: local?.port ?? 0,
    },
    them: { ip: parseIp(host) ?? nowhere, port: remote?.port ?? Number(named.port) },
  }
}
