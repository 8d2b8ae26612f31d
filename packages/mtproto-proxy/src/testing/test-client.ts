import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '@holdfast/core'
import { resetStream } from '@holdfast/core/node'
import type { ClientCodec } from '../wire/client-codec.js'
import { type ClientOpeningStep, openClient } from '../wire/client-opening.js'
import type { PacketFormat } from '../wire/packet-format.js'
import { parseSecret, type Secret } from '../wire/secret.js'
import { x25519PublicKey } from '../x25519-key.js'
import type { ClosedBy } from './fake-connection.js'
import { Waiters } from './waiters.js'

/** Options of {@link testClient}. */
export interface TestClientOptions {
  /** Where the proxy listens. */
  readonly port: number
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** The address to come from. Default: the host's choice. */
  readonly localAddress?: string
  /** As a link has it: plain, `dd…` or `ee…`; the transport follows from it. */
  readonly secret: string | Secret
  /** Packet format with a plain secret. Default: `intermediate`. */
  readonly format?: PacketFormat
  /** Default: 2. */
  readonly dcId?: number
  /** What is sent before everything else, such as a PROXY protocol header. Default: nothing. */
  readonly prefix?: Uint8Array
  /** Sends the header in one write with the first packet. Default: as soon as it may. */
  readonly headerWithPacket?: boolean
  /** Seconds by which the client's clock is ahead, for fake-TLS. Default: 0. */
  readonly clockAheadSeconds?: number
  /** Default: the host's. */
  readonly clock?: Clock
  /** Default: that of `node:crypto`. The same draws make the same hello and header: a replay. */
  readonly random?: (size: number) => Uint8Array
}

/** A Telegram app's end of a connection to a proxy, in the hands of a test. It keeps all that comes. */
export class TestClient implements AsyncDisposable {
  /** `refused`: what answered the TLS hello is no proxy that knows the secret. */
  phase: 'connecting' | 'opening' | 'ready' | 'refused' | 'closed' = 'connecting'
  /** What answered the TLS hello, if it was no proxy. */
  refusal: Extract<ClientOpeningStep, { kind: 'refused' }>['why'] | null = null
  /** How the connection ended, once it has. */
  ended: ClosedBy | null = null
  /** What the peer broke the protocol with, if it did. */
  problem: unknown = null
  /** Every packet that came, in order. */
  readonly packets: Buffer[] = []
  /** Every quick ack that came, as Telegram made it. */
  readonly quickAcks: Buffer[] = []
  /** Everything that was sent before the first packet: TLS hello, header. */
  readonly openingBytes: Buffer[] = []
  /** Everything that came before the first packet could be sent. */
  readonly answerBytes: Buffer[] = []
  readonly #socket: Socket
  readonly #options: TestClientOptions
  #step: ClientOpeningStep | null = null
  #codec: ClientCodec | null = null
  #header: Buffer | null = null
  #taken = 0
  readonly #waiters = new Waiters()

  /** @internal Made by {@link testClient}. */
  constructor(options: TestClientOptions) {
    const { host = '127.0.0.1', port, localAddress } = options
    this.#options = options
    this.#socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
    this.#socket
      .on('connect', () => this.#open())
      .on('data', (chunk: Buffer) => this.#received(chunk))
      .on('end', () => this.#endedBy('fin'))
      .on('error', () => this.#endedBy('rst'))
      .on('close', () => {
        this.#endedBy('fin')
        this.phase = 'closed'
        this.#waiters.look()
      })
  }

  /** Our end as `IP:PORT`. */
  get address(): string {
    return `${this.#socket.localAddress ?? ''}:${this.#socket.localPort ?? 0}`
  }

  /** Bytes that came, the handshake included. */
  get bytesReceived(): number {
    return this.#socket.bytesRead
  }

  /** Bytes that were sent, the handshake included. */
  get bytesSent(): number {
    return this.#socket.bytesWritten
  }

  /**
   * Sends a packet: a positive multiple of 4 bytes. Before the client is ready it waits its turn.
   *
   * @returns when the kernel has it, or the connection is over
   */
  async send(payload: Uint8Array, o: { readonly quickAck?: boolean } = {}): Promise<void> {
    await this.until(() => this.#codec !== null || this.ended !== null || this.phase === 'refused')
    if (this.#codec === null) return
    const packet = this.#codec.encode(payload, o)
    const bytes = this.#header === null ? packet : Buffer.concat([this.#header, packet])
    this.#header = null
    await this.write(bytes)
  }

  /**
   * Sends bytes as they are.
   *
   * @returns when the kernel has them, or the connection is over
   */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  /**
   * The next packet that was not given yet, or `null` when the connection has ended without one.
   */
  async next(): Promise<Buffer | null> {
    await this.until(() => this.packets.length > this.#taken || this.phase === 'closed')
    const packet = this.packets[this.#taken]
    if (packet === undefined) return null
    this.#taken += 1
    return packet
  }

  /** Sends a packet and waits for the next one: what an echoing Telegram sent back, or `null` if it is over. */
  async ask(payload: Uint8Array): Promise<Buffer | null> {
    await this.send(payload)
    return this.next()
  }

  /** Waits until something is so; looked at whenever anything happened on the connection. */
  until(isMet: () => boolean): Promise<void> {
    return this.#waiters.until(isMet)
  }

  /** Reads nothing, until {@link TestClient.resume}: a slow client. */
  pause(): void {
    this.#socket.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume()
  }

  /** Goes away, by FIN after what was sent or by RST at once. */
  async close(by: ClosedBy = 'fin'): Promise<void> {
    if (this.#socket.closed) return
    const closed = once(this.#socket, 'close')
    if (by === 'rst') resetStream(this.#socket)
    else this.#socket.destroySoon()
    await closed
  }

  /** Drops the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return
    this.#socket.destroy()
    await once(this.#socket, 'close')
  }

  #open(): void {
    const { secret, dcId = 2, format = 'intermediate', prefix, clock = systemClock() } = this.#options
    const { clockAheadSeconds = 0, random = randomBytes } = this.#options
    this.phase = 'opening'
    if (prefix !== undefined) this.#socket.write(prefix)
    this.#follow(
      openClient({
        secret: typeof secret === 'string' ? parseSecret(secret) : secret,
        dcId,
        plainFormat: format,
        timestamp: Math.floor(clock.wall() / 1000) + clockAheadSeconds,
        x25519PublicKey: x25519PublicKey(),
        random,
      }),
    )
  }

  #follow(step: ClientOpeningStep): void {
    this.#step = step
    switch (step.kind) {
      case 'hello':
        this.openingBytes.push(step.send)
        this.#socket.write(step.send)
        break
      case 'ready':
        this.openingBytes.push(step.send)
        if (this.#options.headerWithPacket === true) this.#header = step.send
        else this.#socket.write(step.send)
        this.#codec = step.codec
        this.phase = 'ready'
        this.#read(step.codec)
        break
      case 'refused':
        this.phase = 'refused'
        this.refusal = step.why
    }
    this.#waiters.look()
  }

  #received(chunk: Buffer): void {
    if (this.#codec !== null) {
      this.#codec.push(chunk)
      this.#read(this.#codec)
    } else {
      this.answerBytes.push(Buffer.from(chunk))
      const next = this.#step?.kind === 'hello' ? this.#step.answer(chunk) : null
      if (next !== null) this.#follow(next)
    }
    this.#waiters.look()
  }

  #read(codec: ClientCodec): void {
    try {
      for (let reply = codec.next(); reply !== null; reply = codec.next()) {
        if (reply.kind === 'packet') this.packets.push(Buffer.from(reply.payload))
        else this.quickAcks.push(Buffer.from(reply.confirm))
      }
    } catch (error) {
      this.problem ??= error
      this.#socket.destroy()
    }
  }

  #endedBy(by: ClosedBy): void {
    this.ended ??= by
    this.#waiters.look()
  }
}

/**
 * Connects to a proxy as a Telegram app does, and is ready to send packets.
 *
 * @returns at once; nothing is thrown when the proxy does not take the client: see its `phase` and `ended`
 *
 * @example
 * ```ts no-run
 * import { testClient } from '@holdfast/mtproto-proxy/testing'
 *
 * await using client = testClient({ port: 443, secret: 'dd00112233445566778899aabbccddeeff' })
 * console.log('echoed', await client.ask(Buffer.from('12345678')))
 * ```
 */
export function testClient(options: TestClientOptions): TestClient {
  return new TestClient(options)
}
