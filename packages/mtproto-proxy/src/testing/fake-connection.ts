import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '@holdfast/core'
import { resetStream } from '@holdfast/core/node'
import type { FrameChannel } from '../wire/frame-channel.js'
import { ipToText, parseIp, type SocketAddress } from '../wire/ip-address.js'
import {
  type ConnId,
  decodeProxyMessage,
  encodeAnswerHead,
  encodeCloseExt,
  encodePing,
  encodePong,
  encodeSimpleAck,
  type ProxyRequest,
  requestFlags,
} from '../wire/rpc.js'
import type { FakeClient } from './fake-client.js'
import type { FakeTelegramRules } from './fake-telegram-rules.js'
import { MiddleProxyHandshake } from './middle-proxy-handshake.js'

/** How a connection is closed. */
export type ClosedBy = 'fin' | 'rst'

type Counted = { -readonly [Key in keyof FakeClient]: FakeClient[Key] }

/** What a {@link FakeConnection} needs. */
export interface FakeConnectionHost {
  readonly clock: Clock
  /** What both sides must know. */
  readonly proxySecret: () => Uint8Array
  /** How it behaves now. */
  readonly rules: () => FakeTelegramRules
  /** What a data centre answers. */
  readonly answers: (payload: Buffer, client: FakeClient) => readonly Uint8Array[]
  /** Something happened that a test may wait for. */
  readonly changed: () => void
  /** The connection is over. */
  readonly ended: () => void
}

/** One connection of a proxy to a {@link FakeTelegram}, in the hands of a test. */
export class FakeConnection {
  readonly dcId: number
  /** Counts from 1 in each embedded Telegram. */
  readonly id: number
  /** The proxy's end as `IP:PORT`. */
  readonly remote: string
  /** `closing`: we said FIN; what still comes is read and counted as late. */
  phase: 'handshaking' | 'ready' | 'closing' | 'closed' = 'handshaking'
  /** Why it was given up, if the proxy did something wrong. */
  problem: string | null = null
  /** Ids of the pongs that came. */
  readonly pongs: bigint[] = []
  /** Ids of the pings that came; each was answered. */
  readonly pings: bigint[] = []
  /** Requests that came after we had closed: Telegram would not have seen them. */
  lateRequests = 0
  readonly #host: FakeConnectionHost
  readonly #socket: Socket
  readonly #handshake: MiddleProxyHandshake
  readonly #clients = new Map<ConnId, Counted>()
  readonly #timers = new Set<Timer>()
  #channel: FrameChannel | null = null
  #isStalled = false
  #spoil: ((frame: Buffer) => void) | null = null
  readonly #heldAnswers: (() => void)[] = []

  /** @internal Made by `fakeTelegram`. */
  constructor(dcId: number, id: number, socket: Socket, host: FakeConnectionHost) {
    this.dcId = dcId
    this.id = id
    this.#socket = socket
    this.#host = host
    const server = socketAddress(socket.localAddress, socket.localPort)
    const client = socketAddress(socket.remoteAddress, socket.remotePort)
    this.remote = addressText(client)
    const { crc32c, noncePadding, clockAheadSeconds, handshakeError, handshakeDelay } = host.rules()
    this.#handshake = new MiddleProxyHandshake({
      proxySecret: host.proxySecret(),
      serverNonce: randomBytes(16),
      server,
      client,
      timestamp: Math.floor(host.clock.wall() / 1000) + clockAheadSeconds,
      crc32c,
      noncePadding,
      ...(handshakeError !== null && { refuse: handshakeError }),
      tamper: (frame) => {
        this.#spoil?.(frame)
        this.#spoil = null
      },
    })
    socket
      .on('data', (chunk: Buffer) => this.#received(chunk))
      .on('end', () => socket.end())
      .on('error', () => undefined)
      .on('close', () => this.#ended())
    if (handshakeDelay > 0) {
      socket.pause()
      this.#after(handshakeDelay, () => this.#read())
    }
  }

  /** Every client ever seen on this connection, by its id. */
  get clients(): ReadonlyMap<ConnId, FakeClient> {
    return this.#clients
  }

  /** Requests that have come and were not answered. */
  get inFlight(): number {
    let inFlight = 0
    for (const client of this.#clients.values()) inFlight += Math.max(0, client.requests - client.answered)
    return inFlight
  }

  /** Closes it: by a FIN after what was written, or at once by a RST. */
  close(by: ClosedBy = 'fin'): void {
    if (this.phase === 'closed' || (this.phase === 'closing' && by === 'fin')) return
    this.#stopAnswering()
    this.phase = 'closing'
    if (by === 'rst') resetStream(this.#socket)
    else {
      this.#socket.end()
      this.#socket.resume()
    }
    this.#host.changed()
  }

  /** Reads and answers nothing until {@link FakeConnection.resume}; what was written stays written. */
  stall(): void {
    this.#isStalled = true
    this.#socket.pause()
  }

  /** Goes on after {@link FakeConnection.stall}. */
  resume(): void {
    this.#isStalled = false
    for (const answer of this.#heldAnswers.splice(0)) answer()
    this.#read()
  }

  /** Sends a client a packet that it did not ask for. */
  push(connId: ConnId, payload: Uint8Array, flags = 0): void {
    this.#write(encodeAnswerHead(connId, flags), payload)
  }

  /** Ends a client (RPC_CLOSE_EXT). */
  closeExt(connId: ConnId): void {
    const client = this.#clients.get(connId)
    if (client !== undefined) client.closed ??= 'by-telegram'
    this.#write(encodeCloseExt(connId))
  }

  /** Asks for a pong; it will be in {@link FakeConnection.pongs}. */
  ping(id: bigint): void {
    this.#write(encodePing(id))
  }

  /** Sends a message that no proxy knows. */
  unknown(body: Uint8Array = Buffer.from('deadbeef01020304', 'hex')): void {
    this.#write(body)
  }

  /**
   * Sends a client many packets, as fast as the proxy takes them.
   *
   * @returns when the kernel has them all, or the connection has ended; how many it took
   */
  async blast(connId: ConnId, count: number, bytes: number): Promise<number> {
    const payload = Buffer.alloc(bytes, 0xb1)
    const head = encodeAnswerHead(connId)
    for (let sent = 0; sent < count; sent += 1) {
      if (this.#channel === null || this.phase !== 'ready') return sent
      payload.writeUInt32LE(sent, 0)
      if (!this.#write(head, payload)) await this.#drained()
    }
    return count
  }

  /** Breaks the protocol. The proxy must give the connection up, and it is of no use afterwards. */
  damage(what: 'checksum' | 'sequence' | 'length' | 'garbage'): void {
    this.#spoil = (frame) => {
      if (what === 'checksum') frame.writeUInt32LE(~frame.readUInt32LE(16) >>> 0, 16)
      else if (what === 'sequence') frame.writeInt32LE(-77, 4)
      else if (what === 'length') frame.writeUInt32LE(13, 0)
      else frame.fill(0xda)
    }
    this.unknown()
  }

  #read(): void {
    if (!this.#isStalled) this.#socket.resume()
  }

  #received(chunk: Buffer): void {
    if (this.#channel !== null) {
      this.#channel.feed(chunk)
      this.#messages(this.#channel)
      return
    }
    for (const effect of this.#handshake.push(chunk)) {
      if (effect.kind === 'send') this.#socket.write(effect.bytes)
      else if (effect.kind === 'failed') this.#giveUp(effect.why)
      else {
        this.#channel = effect.channel
        if (this.phase === 'handshaking') this.phase = 'ready'
        this.#host.changed()
        this.#messages(effect.channel)
      }
    }
  }

  #messages(channel: FrameChannel): void {
    for (let body = channel.next(); body !== null; body = channel.next()) {
      const message = Buffer.isBuffer(body) ? decodeProxyMessage(body) : body
      if (message instanceof Error) {
        this.#giveUp(message.message)
        return
      }
      switch (message.kind) {
        case 'request':
          this.#request(message)
          break
        case 'close':
          this.#closeConn(message.connId)
          break
        case 'ping':
          this.pings.push(message.id)
          this.#write(encodePong(message.id))
          break
        case 'pong':
          this.pongs.push(message.id)
          break
        case 'unknown':
      }
    }
    this.#host.changed()
  }

  #request(request: ProxyRequest): void {
    if (this.phase !== 'ready') {
      this.lateRequests += 1
      return
    }
    const client = this.#client(request)
    client.requests += 1
    client.flags = request.flags
    const { quickAcks, answerDelay } = this.#host.rules()
    if (quickAcks && (request.flags & requestFlags.quickAck) !== 0) {
      this.#write(encodeSimpleAck(client.connId, confirmationOf(request.payload)))
    }
    const answer = (): void => {
      if (this.#isStalled) this.#heldAnswers.push(answer)
      else this.#answer(client, request.payload)
    }
    if (answerDelay > 0) this.#after(answerDelay, answer)
    else answer()
  }

  #answer(client: Counted, payload: Buffer): void {
    if (this.phase !== 'ready') return
    const answers = this.#host.answers(payload, client)
    for (const answer of answers) this.#write(encodeAnswerHead(client.connId), answer)
    if (answers.length > 0) client.answered += 1
    this.#host.changed()
  }

  #client({ connId, ip, port, ourIp, ourPort, adTag, flags }: ProxyRequest): Counted {
    const known = this.#clients.get(connId)
    if (known?.closed === null) return known
    const client: Counted = {
      connId,
      address: addressText({ ip, port }),
      ourAddress: addressText({ ip: ourIp, port: ourPort }),
      adTag: adTag === null ? null : Buffer.from(adTag).toString('hex'),
      flags,
      requests: 0,
      answered: 0,
      closeConns: 0,
      closed: null,
    }
    this.#clients.set(connId, client)
    return client
  }

  #closeConn(connId: ConnId): void {
    const client = this.#clients.get(connId)
    if (client === undefined) return
    client.closeConns += 1
    client.closed ??= 'by-proxy'
  }

  #write(head: Uint8Array, payload?: Uint8Array): boolean {
    if (this.#channel === null || this.phase !== 'ready') return false
    return this.#socket.write(this.#channel.write(head, payload))
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve)
      this.#socket.once('close', resolve)
      if (this.#socket.destroyed) resolve()
    })
  }

  #after(ms: number, fn: () => void): void {
    const timer = this.#host.clock.after(ms, () => {
      this.#timers.delete(timer)
      fn()
    })
    this.#timers.add(timer)
  }

  #giveUp(why: string): void {
    this.problem ??= why
    this.#stopAnswering()
    this.#socket.destroy()
  }

  #stopAnswering(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#heldAnswers.length = 0
  }

  #ended(): void {
    this.#stopAnswering()
    this.phase = 'closed'
    for (const client of this.#clients.values()) client.closed ??= 'with-connection'
    this.#host.ended()
  }
}

/** The four bytes by which the embedded Telegram confirms a packet: the top bit is set, as clients require. */
export function confirmationOf(payload: Uint8Array): Buffer {
  const confirm = createHash('sha256').update(payload).digest().subarray(0, 4)
  confirm.writeUInt8(confirm.readUInt8(3) | 0x80, 3)
  return confirm
}

function socketAddress(address = '', port = 0): SocketAddress {
  return { ip: parseIp(address) ?? new Uint8Array(16), port }
}

function addressText({ ip, port }: SocketAddress): string {
  const text = ipToText(ip)
  return `${text.includes(':') ? `[${text}]` : text}:${port}`
}
