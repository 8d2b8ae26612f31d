import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { resetStream } from '@holdfast/core/node'
import type { MiddleProxyAddress } from '../wire/proxy-config.js'
import type { FakeClient } from './fake-client.js'
import type { ClosedBy, FakeConnection } from './fake-connection.js'
import { type FakeTelegramRules, usualRules } from './fake-telegram-rules.js'

/** What a {@link FakeDatacenter} needs. */
export interface FakeDatacenterHost {
  /** How it behaves now. */
  readonly rules: () => FakeTelegramRules
  /** A proxy has connected. */
  readonly connected: (datacenter: FakeDatacenter, socket: Socket) => FakeConnection
  /** Something happened that a test may wait for. */
  readonly changed: () => void
}

/** The middle proxy of one data centre: a port of its own on 127.0.0.1, and one on ::1 where the host has IPv6. */
export class FakeDatacenter {
  readonly id: number
  /** What is different here from the rules of the whole. */
  readonly rules: Partial<FakeTelegramRules> = {}
  /** Every connection that has not ended, oldest first. */
  readonly connections: readonly FakeConnection[]
  /** How many connections there have ever been; refused ones count. */
  connected = 0
  readonly #connections: FakeConnection[] = []
  readonly #host: FakeDatacenterHost
  readonly #servers: Server[] = []
  readonly #silenced = new Set<Socket>()
  #v4: MiddleProxyAddress | null = null
  #v6: MiddleProxyAddress | null = null

  /** @internal Made by `fakeTelegram`. */
  constructor(id: number, host: FakeDatacenterHost) {
    this.id = id
    this.#host = host
    this.connections = this.#connections
  }

  /** @internal */
  async listen(): Promise<void> {
    this.#v4 = await this.#listenOn('127.0.0.1')
    try {
      this.#v6 = await this.#listenOn('::1')
    } catch (error) {
      // A host without IPv6 has no such address.
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') throw error
    }
  }

  /** Where it listens over IPv4. */
  get ipv4(): MiddleProxyAddress {
    if (this.#v4 === null) throw new Error('the embedded Telegram does not listen')
    return this.#v4
  }

  /** Where it listens over IPv6; `null` on a host without it. */
  get ipv6(): MiddleProxyAddress | null {
    return this.#v6
  }

  /** Connections on which messages may pass. */
  get ready(): readonly FakeConnection[] {
    return this.#connections.filter(({ phase }) => phase === 'ready')
  }

  /** Clients that are on a connection now. */
  get clients(): readonly FakeClient[] {
    return this.ready.flatMap(({ clients }) => [...clients.values()].filter(({ closed }) => closed === null))
  }

  /** Closes all connections at once. */
  closeAll(by: ClosedBy = 'fin'): void {
    for (const connection of [...this.#connections]) connection.close(by)
  }

  /** What holds here. @internal */
  rule(): FakeTelegramRules {
    return { ...usualRules, ...this.#host.rules(), ...this.rules }
  }

  /** A connection has ended. @internal */
  forget(connection: FakeConnection): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1)
  }

  /** @internal */
  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => once(server.close(), 'close'))
    for (const socket of this.#silenced) socket.destroy()
    this.closeAll('rst')
    await Promise.all(closed)
  }

  async #listenOn(host: string): Promise<MiddleProxyAddress> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#welcome(socket))
    server.listen(0, host)
    await once(server, 'listening')
    this.#servers.push(server)
    return { host, port: (server.address() as AddressInfo).port }
  }

  #welcome(socket: Socket): void {
    this.connected += 1
    switch (this.rule().newcomers) {
      case 'accept':
        this.#connections.push(this.#host.connected(this, socket))
        break
      case 'refuse':
        resetStream(socket.on('error', () => undefined))
        break
      case 'black-hole':
        this.#silenced.add(socket)
        socket
          .pause()
          .on('error', () => undefined)
          .on('close', () => this.#silenced.delete(socket))
    }
    this.#host.changed()
  }
}
