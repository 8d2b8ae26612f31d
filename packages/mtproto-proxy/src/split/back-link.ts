import type { LinkProtocol, LinkScope } from '@holdfast/core'
import { SplitDecoder, SplitError } from './decoder.js'
import type { BackConnection, FrontTunnel } from './front-tunnel.js'
import { encodeSplitMessage, type SplitHandle, type SplitMessage, splitVersion } from './messages.js'
import { readSplitMessages } from './read-messages.js'
import type { RemoteGatekeeper } from './remote-gatekeeper.js'

/** The back, as a front sees it: one link. */
export class BackLink implements LinkProtocol, BackConnection {
  readonly #scope: LinkScope
  readonly #gatekeeper: RemoteGatekeeper
  readonly #decoder = new SplitDecoder()
  readonly #tunnels = new Map<SplitHandle, FrontTunnel>()
  /** Tunnels with a packet, while the link takes no more: there may be very many, each with a long one. */
  readonly #waiting = new Set<FrontTunnel>()
  #isFull = false
  #nextHandle: SplitHandle = 1
  #node: string | null = null

  constructor(scope: LinkScope, node: string, gatekeeper: RemoteGatekeeper) {
    this.#scope = scope
    this.#gatekeeper = gatekeeper
    this.tell({ kind: 'hello', version: splitVersion, node })
  }

  /** What the back calls itself; `null` before it has said so. */
  get node(): string | null {
    return this.#node
  }

  /** Asks for a tunnel. */
  open(tunnel: FrontTunnel): SplitHandle {
    const handle = this.#nextHandle
    this.#nextHandle += 1
    this.#tunnels.set(handle, tunnel)
    this.tell({ kind: 'open', handle, request: tunnel.request })
    return handle
  }

  forget(handle: SplitHandle): void {
    const tunnel = this.#tunnels.get(handle)
    this.#tunnels.delete(handle)
    if (tunnel !== undefined) this.#waiting.delete(tunnel)
  }

  turnOf(tunnel: FrontTunnel): void {
    if (this.#isFull) this.#waiting.add(tunnel)
    else tunnel.sendWaiting()
  }

  tell(message: SplitMessage): void {
    if (this.#scope.link.write(encodeSplitMessage(message)) === 'full') this.#isFull = true
  }

  data(chunk: Uint8Array): void {
    readSplitMessages(this.#scope, this.#decoder, { chunk, take: (message) => this.#take(message) })
  }

  writable(): void {
    this.#isFull = false
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    for (const tunnel of this.#waiting) {
      if (this.#isFull) return
      this.#waiting.delete(tunnel)
      tunnel.sendWaiting()
    }
  }

  probe(): void {
    this.tell({ kind: 'ping' })
  }

  #take(message: SplitMessage): void {
    if (this.#node === null) {
      this.#greeted(message)
      return
    }
    switch (message.kind) {
      case 'ping':
        this.tell({ kind: 'pong' })
        return
      case 'pong':
        return
      case 'goodbye':
        this.#scope.peerDrains(message.within)
        return
      case 'packet':
        this.#tunnels.get(message.handle)?.packet(message.payload)
        return
      case 'quick-ack':
        this.#tunnels.get(message.handle)?.quickAck(message.confirm)
        return
      case 'sent':
        this.#tunnels.get(message.handle)?.sent()
        return
      case 'hold':
        this.#tunnels.get(message.handle)?.hold()
        return
      case 'ready':
        this.#tunnels.get(message.handle)?.ready()
        return
      case 'closed': {
        const tunnel = this.#tunnels.get(message.handle)
        this.forget(message.handle)
        tunnel?.closed(message.why)
        return
      }
      case 'verdict':
        this.#gatekeeper.decided(message.handle, message.verdict)
        return
      case 'quota-used':
        this.#gatekeeper.quotaUsed(message.handle)
        return
      case 'hello':
      case 'open':
      case 'close':
      case 'delivered':
      case 'admit':
      case 'transferred':
      case 'leave':
        throw new SplitError(`a back said ${message.kind}, which it may not`)
    }
  }

  #greeted(message: SplitMessage): void {
    if (message.kind !== 'hello') throw new SplitError(`a back began with ${message.kind}`)
    if (message.version !== splitVersion) {
      throw new SplitError(`the back speaks version ${message.version} of the split link, we ${splitVersion}`)
    }
    this.#node = message.node
    this.#scope.defer(this.#gatekeeper.connected((told) => this.tell(told)))
    this.#scope.ready()
  }
}
