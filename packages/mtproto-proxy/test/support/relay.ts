import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Acceptance } from '../../src/accept/acceptance.js'
import type { AcceptEffect, AcceptedClient } from '../../src/accept/types.js'
import type { FakeTelegram } from '../../src/testing/index.js'
import { encodeCloseConn } from '../../src/wire/rpc.js'
import { x25519PublicKey } from '../../src/x25519-key.js'
import { MiddleClient } from './middle-client.js'

/**
 * The least that a client takes for a proxy: each client has a connection to Telegram of its own, and nothing survives.
 * It tries test clients and the embedded Telegram without our proxy, so that what fails with both is not its fault.
 */
export class Relay implements AsyncDisposable {
  readonly #telegram: FakeTelegram
  readonly #key: Uint8Array
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Every effect that a newcomer's bytes had. */
  readonly seen: AcceptEffect[] = []

  /** @param key - 16 bytes; clients may come by any transport */
  static async start(telegram: FakeTelegram, key: Uint8Array): Promise<Relay> {
    const relay = new Relay(telegram, key)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  private constructor(telegram: FakeTelegram, key: Uint8Array) {
    this.#telegram = telegram
    this.#key = key
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
      this.#accept(socket)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), 'close')
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    const acceptance = new Acceptance(
      {
        listener: 'relay',
        keys: [{ name: 'only', key: this.#key }],
        allowed: new Set(['fake_tls', 'secure', 'abridged', 'intermediate']),
        perSniSalt: null,
        timeSkew: 'off',
        certificateBytes: [2000, 4000],
        badClient: 'close',
        fronting: false,
        isBalancer: () => false,
        random: randomBytes,
        x25519PublicKey,
      },
      '192.0.2.1',
    )
    const admitted = { transferred: () => true, leave: () => undefined }
    const follow = (effects: readonly AcceptEffect[]): void => {
      for (const effect of effects) {
        this.seen.push(effect)
        if (effect.kind === 'ask') follow(acceptance.handle({ kind: 'verdict', verdict: admitted }))
        else if (effect.kind === 'send') socket.write(effect.bytes)
        else if (effect.kind === 'tunnel') {
          socket.off('data', gather)
          void this.#serve(socket, effect.client)
        } else socket.destroy()
      }
    }
    const gather = (chunk: Buffer): void => {
      follow(acceptance.handle({ kind: 'bytes', chunk, unixSeconds: Math.floor(Date.now() / 1000) }))
    }
    socket.on('data', gather)
  }

  async #serve(socket: Socket, { codec, dcId }: AcceptedClient): Promise<void> {
    socket.pause()
    const { ipv4 } = this.#telegram.datacenters.get(dcId) ?? this.#telegram.dc(2)
    const middle = await MiddleClient.to(ipv4, this.#telegram.proxySecret)
    middle.heard = (message) => {
      if (message.kind === 'answer') socket.write(codec.encode(message.payload))
      if (message.kind === 'simple-ack') socket.write(codec.encodeQuickAck(message.confirm))
      if (message.kind === 'close') socket.end()
    }
    const send = (): void => {
      for (let packet = codec.next(); packet !== null; packet = codec.next()) {
        middle.request(1n, packet.payload, packet)
      }
    }
    send()
    middle.socket.on('close', () => socket.destroy())
    socket
      .on('data', (chunk: Buffer) => {
        codec.push(chunk)
        send()
      })
      .on('close', () => {
        middle.write(encodeCloseConn(1n))
        middle.socket.end()
      })
      .resume()
  }
}
