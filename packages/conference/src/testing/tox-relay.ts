import { randomBytes } from 'node:crypto'
import { type Env, end, type LinkProtocol, type LinkScope, listen } from '@holdfast/core'
import { tcp } from '@holdfast/core/node'
import { cryptoReady, KeyPair, nonceBytes } from '../tox/crypto/box.js'
import type { RelayFrame } from '../tox/relay/frames.js'
import { helloBytes, openHello, sealOffer } from '../tox/relay/hello.js'
import { RelaySession, type SessionKeys } from '../tox/relay/relay-session.js'
import type { RelayInfo } from '../tox/relay/relays.js'
import { type DhtKey, hex } from '../wire/identity.js'

/** A relay at work. */
export interface ToxRelay extends AsyncDisposable {
  /** For `relays` of a node. */
  readonly info: RelayInfo
  /** DHT keys of the clients that are connected. */
  clients(): DhtKey[]
  /** Ends every client's connection; they may come back. */
  drop(): void
}

/**
 * A Tox TCP relay on loopback, for tests: routes between clients that both want one, and packets apart (spec 12.8).
 * Knows nothing of bandwidth, onions and guests that overstay.
 */
export async function toxRelay(env: Env): Promise<ToxRelay> {
  await cryptoReady
  const keys = new KeyPair(randomBytes(32))
  const clients = new Map<DhtKey, Client>()
  const listener = await listen<Client>({
    env,
    acceptor: tcp({ clock: env.clock }),
    at: { uri: 'tcp://127.0.0.1:0' },
    limits: { links: 100, handshaking: 100 },
    protocol: (scope) => new Client(scope, keys, clients),
  })
  return {
    info: { key: keys.name, host: '127.0.0.1', port: Number(new URL(listener.endpoint.uri).port) },
    clients: () => [...clients.keys()],
    drop() {
      for (const client of listener.links.values()) client.drop()
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      await listener[Symbol.asyncDispose]()
    },
  }
}

class Client implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #keys: KeyPair
  readonly #all: Map<DhtKey, Client>
  /** By number, from 16 on. */
  readonly #routes = new Map<number, DhtKey>()
  #dhtKey: DhtKey = ''
  readonly #session: RelaySession

  constructor(scope: LinkScope, keys: KeyPair, all: Map<DhtKey, Client>) {
    this.#scope = scope
    this.#keys = keys
    this.#all = all
    this.#session = new RelaySession(helloBytes, {
      enter: (hello) => this.#welcome(hello),
      entered: () => scope.ready(),
      receive: (frame) => this.#receive(frame),
    })
  }

  drop(): void {
    this.#scope.fail(end('closed-by-us'))
  }

  data(chunk: Uint8Array): void {
    const failed = this.#session.read(chunk)
    if (failed !== null) this.#scope.fail(end('protocol-error', { detail: `the client is ${failed}` }))
  }

  ended(): void {
    if (this.#all.get(this.#dhtKey) !== this) return
    this.#all.delete(this.#dhtKey)
    for (const other of this.#all.values()) other.switch(this.#dhtKey, 'off')
  }

  /** The number of the route to a node. */
  routeTo(dhtKey: DhtKey): number | null {
    for (const [id, to] of this.#routes) if (to === dhtKey) return id
    return null
  }

  switch(dhtKey: DhtKey, kind: 'on' | 'off'): void {
    const id = this.routeTo(dhtKey)
    if (id !== null) this.send({ kind, id })
  }

  send(frame: RelayFrame): void {
    const bytes = this.#session.seal(frame)
    if (bytes) this.#scope.link.write(bytes)
  }

  #welcome(hello: Uint8Array): SessionKeys | null {
    const dhtKey = hello.subarray(0, 32)
    const shared = this.#keys.agree(dhtKey)
    const offer = shared && openHello(hello, shared)
    const session = new KeyPair(randomBytes(32))
    const key = offer && session.agree(offer.sessionKey)
    if (!key) return null
    const ours = randomBytes(nonceBytes)
    this.#scope.link.write(sealOffer(shared, randomBytes, { sessionKey: session.publicKey, baseNonce: ours }))
    this.#dhtKey = hex(dhtKey)
    this.#all.get(this.#dhtKey)?.drop()
    this.#all.set(this.#dhtKey, this)
    return { key, ours, theirs: offer.baseNonce }
  }

  #receive(frame: RelayFrame): void {
    switch (frame.kind) {
      case 'route': {
        this.#route(frame.dhtKey)
        return
      }
      case 'off': {
        this.#unroute(frame.id)
        return
      }
      case 'ping': {
        this.send({ kind: 'pong', token: frame.token })
        return
      }
      case 'send-apart':
        this.#all.get(frame.dhtKey)?.send({ kind: 'received-apart', dhtKey: this.#dhtKey, data: frame.data })
        return
      case 'data': {
        const other = this.#all.get(this.#routes.get(frame.id) ?? '')
        const id = other?.routeTo(this.#dhtKey) ?? null
        if (id !== null) other?.send({ kind: 'data', id, data: frame.data })
        return
      }
      case 'routed':
      case 'on':
      case 'pong':
      case 'received-apart':
        return
    }
  }

  #route(dhtKey: DhtKey): void {
    const free = Array.from({ length: 240 }, (_, at) => at + 16).find((id) => !this.#routes.has(id)) ?? 0
    const id = this.routeTo(dhtKey) ?? free
    this.send({ kind: 'routed', id, dhtKey })
    if (id === 0) return
    this.#routes.set(id, dhtKey)
    const other = this.#all.get(dhtKey)
    if (other?.routeTo(this.#dhtKey) === null || !other) return
    this.send({ kind: 'on', id })
    other.switch(this.#dhtKey, 'on')
  }

  #unroute(id: number): void {
    const dhtKey = this.#routes.get(id)
    if (dhtKey === undefined) return
    this.#routes.delete(id)
    this.#all.get(dhtKey)?.switch(this.#dhtKey, 'off')
  }
}
