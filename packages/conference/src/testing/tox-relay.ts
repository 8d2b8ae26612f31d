import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type Env, end, type LinkProtocol, type LinkScope, listen } from '@holdfast/core'
import { tcp } from '@holdfast/core/node'
import { cryptoReady, KeyPair, nonceBytes } from '../tox/crypto/box.js'
import { FrameOpener, FrameSealer } from '../tox/relay/frame-stream.js'
import { decodeFrame, encodeFrame, type RelayFrame } from '../tox/relay/frames.js'
import { helloBytes, openHello, sealOffer } from '../tox/relay/hello.js'
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
  #hello = Buffer.alloc(0)
  #sealer: FrameSealer | null = null
  #opener: FrameOpener | null = null

  constructor(scope: LinkScope, keys: KeyPair, all: Map<DhtKey, Client>) {
    this.#scope = scope
    this.#keys = keys
    this.#all = all
  }

  drop(): void {
    this.#scope.fail(end('closed-by-us'))
  }

  data(chunk: Uint8Array): void {
    if (this.#opener) {
      this.#read(chunk)
      return
    }
    this.#hello = Buffer.concat([this.#hello, chunk])
    if (this.#hello.length < helloBytes) return
    const rest = this.#hello.subarray(helloBytes)
    if (!this.#welcome()) {
      this.#scope.fail(end('protocol-error', { detail: 'this is no greeting' }))
      return
    }
    this.#scope.ready()
    if (rest.length > 0) this.#read(rest)
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
    if (this.#sealer) this.#scope.link.write(this.#sealer.seal(encodeFrame(frame)))
  }

  #welcome(): boolean {
    const dhtKey = this.#hello.subarray(0, 32)
    const shared = this.#keys.agree(dhtKey)
    const offer = shared && openHello(this.#hello.subarray(0, helloBytes), shared)
    const session = new KeyPair(randomBytes(32))
    const key = offer && session.agree(offer.sessionKey)
    if (!key) return false
    const baseNonce = randomBytes(nonceBytes)
    this.#scope.link.write(sealOffer(shared, randomBytes, { sessionKey: session.publicKey, baseNonce }))
    this.#sealer = new FrameSealer(key, baseNonce)
    this.#opener = new FrameOpener(key, offer.baseNonce)
    this.#dhtKey = hex(dhtKey)
    this.#all.get(this.#dhtKey)?.drop()
    this.#all.set(this.#dhtKey, this)
    return true
  }

  #read(chunk: Uint8Array): void {
    const isSound = this.#opener?.read(chunk, (content) => {
      const frame = decodeFrame(content)
      if (frame) this.#receive(frame)
    })
    if (!isSound) this.#scope.fail(end('protocol-error', { detail: 'a frame cannot be opened' }))
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
