import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Waiters } from '../../src/testing/waiters.js'
import type { FrameChannel } from '../../src/wire/frame-channel.js'
import { parseIp } from '../../src/wire/ip-address.js'
import { MiddleHandshake, type MiddleHandshakeOptions } from '../../src/wire/middle-handshake.js'
import type { FrameError, MiddleHandshakeError, RpcError } from '../../src/wire/middle-proxy-error.js'
import type { MiddleProxyAddress } from '../../src/wire/proxy-config.js'
import { decodeMiddleMessage, type MiddleMessage, ProxyRequestHead } from '../../src/wire/rpc.js'

const ip = (text: string | undefined): Uint8Array => parseIp(text ?? '') ?? new Uint8Array(16)

/** The proxy's end of a connection to a middle proxy, as small as can be. */
export class MiddleClient {
  readonly socket: Socket
  readonly messages: MiddleMessage[] = []
  /** Is told of every message; what is in it is lent. */
  heard: ((message: MiddleMessage) => void) | null = null
  error: MiddleHandshakeError | FrameError | RpcError | null = null
  isClosed = false
  /** How it ended, once it has: by FIN or by RST. */
  ending: 'fin' | 'rst' | null = null
  #channel: FrameChannel | null = null
  #handshake: MiddleHandshake | null = null
  readonly #waiters = new Waiters()

  /** Connects, and has the handshake done or failed. */
  static async to(
    { host, port }: MiddleProxyAddress,
    proxySecret: Uint8Array,
    more: Partial<MiddleHandshakeOptions> = {},
  ): Promise<MiddleClient> {
    const client = new MiddleClient(connect({ host, port, noDelay: true }), proxySecret, more)
    await client.until(() => client.isReady || client.isClosed)
    return client
  }

  private constructor(socket: Socket, proxySecret: Uint8Array, more: Partial<MiddleHandshakeOptions>) {
    this.socket = socket
    socket
      .on('connect', () => {
        this.#handshake = new MiddleHandshake({
          proxySecret,
          clientNonce: randomBytes(16),
          timestamp: now(),
          server: { ip: ip(socket.remoteAddress), port: socket.remotePort ?? 0 },
          client: { ip: ip(socket.localAddress), port: socket.localPort ?? 0 },
          ...more,
        })
        socket.write(this.#handshake.greeting)
      })
      .on('data', (chunk: Buffer) => this.#received(chunk))
      .on('end', () => (this.ending ??= 'fin'))
      .on('error', () => (this.ending ??= 'rst'))
      .on('close', () => {
        this.isClosed = true
        if (this.#channel === null) this.error ??= this.#handshake?.ended() ?? null
        this.#waiters.look()
      })
  }

  get isReady(): boolean {
    return this.#channel !== null
  }

  /** Sends a packet for a client. */
  request(connId: bigint, payload: Uint8Array, o: { quickAck?: boolean; adTag?: Uint8Array } = {}): void {
    const { quickAck = false, adTag = null } = o
    const head = new ProxyRequestHead({
      ...{ connId, ip: ip('192.0.2.9'), port: 4242, adTag, format: 'padded' },
      ...{ ourIp: ip(this.socket.localAddress), ourPort: this.socket.localPort ?? 0 },
    })
    this.write(head.for(payload, { quickAck }), payload)
  }

  write(head: Uint8Array, tail?: Uint8Array): void {
    if (this.#channel !== null) this.socket.write(this.#channel.write(head, tail))
  }

  /** The payloads of answers for a client. */
  answers(connId: bigint): Buffer[] {
    return this.messages.flatMap((message) =>
      message.kind === 'answer' && message.connId === connId ? [message.payload] : [],
    )
  }

  until(isMet: () => boolean): Promise<void> {
    return this.#waiters.until(isMet)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed) return
    this.socket.destroy()
    await once(this.socket, 'close')
  }

  #received(chunk: Buffer): void {
    if (this.#channel !== null) {
      this.#channel.feed(chunk)
      this.#read(this.#channel)
    } else {
      for (const effect of this.#handshake?.push(chunk, now()) ?? []) {
        if (effect.kind === 'send') this.socket.write(effect.bytes)
        else if (effect.kind === 'failed') this.#fail(effect.error)
        else {
          this.#channel = effect.channel
          this.#read(effect.channel)
        }
      }
    }
    this.#waiters.look()
  }

  #read(channel: FrameChannel): void {
    for (let body = channel.next(); body !== null; body = channel.next()) {
      const message = Buffer.isBuffer(body) ? decodeMiddleMessage(body) : body
      if (message instanceof Error) {
        this.#fail(message)
        return
      }
      if (this.heard === null) this.messages.push(message)
      else this.heard(message)
    }
  }

  #fail(error: MiddleHandshakeError | FrameError | RpcError): void {
    this.error ??= error
    this.socket.destroy()
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
