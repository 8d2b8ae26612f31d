import {
  type Acceptor,
  type Endpoint,
  type Env,
  end,
  type Keepalive,
  type LinkProtocol,
  type LinkScope,
  type Listener,
  listen,
  type Millis,
  type Ticket,
} from '@holdfast/core'
import type { Gatekeeper } from '../gatekeeper.js'
import type { DataCenters } from '../tunnel.js'
import { SplitConversation, type SplitTopic } from './conversation.js'
import { SplitError } from './decoder.js'
import { Guest } from './guest.js'
import type { SplitHandle } from './messages.js'
import { Visitor } from './visitor.js'

/** Heartbeat of the split link, both ways (spec 10). */
export const splitKeepalive: Keepalive = { sendEvery: 5_000, hearWithin: 15_000, arm: 'at-open' }
/**
 * What may wait for one front to be taken by the kernel, in bytes; beyond it the link is given up. Credits stop Telegram's
 * connections long before, each at some 9 MB (spec 6.5): this is for fifty of them.
 */
const outboundBytes = 512 * 1024 * 1024
/** Names of listeners that a front may use: each is a label in metrics, for good. */
const maxListeners = 256

/** Options of {@link backSide}. */
export interface BackSideOptions {
  readonly env: Env
  readonly acceptor: Acceptor
  /** Where fronts dial. Plain TCP only on loopback: see {@link splitEndpoint}. */
  readonly at: Endpoint
  /** Name of this node, which fronts log. */
  readonly node: string
  /** Where the packets of the fronts' clients go. */
  readonly dataCenters: DataCenters
  /** Decides for all fronts; `null`: every front decides for itself. */
  readonly gatekeeper: Gatekeeper | null
  /**
   * The names in the certificates of the fronts that may connect.
   *
   * @defaultValue whoever the transport lets in
   */
  readonly fronts?: readonly string[]
  /**
   * How many fronts at once.
   *
   * @defaultValue 64
   */
  readonly maxFronts?: number
  /**
   * Clients and newcomers of one front, at once; the next ones are refused.
   *
   * @defaultValue 200000
   */
  readonly maxPerFront?: number
}

/**
 * Serves fronts from the data centres of this process. A front that is gone takes its clients with it: Telegram is told
 * RPC_CLOSE_CONN for each (spec 10).
 *
 * @throws a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound
 */
export function backSide(options: BackSideOptions): Promise<Listener<FrontLink>> {
  const { env, acceptor, at, maxFronts = 64 } = options
  return listen({
    env,
    acceptor,
    at,
    limits: { links: maxFronts, handshaking: maxFronts },
    keepalive: splitKeepalive,
    outbound: { bytes: outboundBytes },
    protocol: (scope) => new FrontLink(scope, options),
  })
}

/** One front, as its back sees it. */
export class FrontLink implements LinkProtocol {
  readonly #options: BackSideOptions
  readonly #scope: LinkScope
  readonly #conversation: SplitConversation
  readonly #guests = new Map<SplitHandle, Guest>()
  readonly #visitors = new Map<SplitHandle, Visitor>()
  readonly #listeners = new Set<string>()
  /** Held while we drain, until the front has said goodbye too. */
  #ticket: Ticket | null = null

  /** @internal */
  constructor(scope: LinkScope, options: BackSideOptions) {
    this.#options = options
    this.#scope = scope
    const { identity } = scope.link
    if (options.fronts !== undefined && (identity === undefined || !options.fronts.includes(identity))) {
      const detail = `${scope.endpoint.uri}: the certificate names ${identity ?? 'nobody'}, who is no front of this back`
      scope.fail(end('handshake-refused', { detail }))
    }
    this.#conversation = new SplitConversation(scope, {
      node: options.node,
      peer: 'front',
      greeted: () => scope.ready(),
      take: (message) => this.#take(message),
    })
    scope.defer(() => this.#leave())
  }

  /** What the front calls itself; `null` before it has said so. */
  get node(): string | null {
    return this.#conversation.node
  }

  /** Clients of this front that have a tunnel. */
  get clients(): number {
    return this.#guests.size
  }

  /** What the front sent, in whatever pieces. */
  data(chunk: Uint8Array): void {
    this.#conversation.data(chunk)
  }

  /** @internal */
  probe(): void {
    this.#conversation.probe()
  }

  /** @internal */
  retire(deadline: Millis): void {
    if (this.node !== null) this.#ticket = this.#scope.gate.enter(`front ${this.node}`)
    this.#conversation.tell({
      kind: 'goodbye',
      within: Math.max(0, deadline - this.#options.env.clock.now()),
    })
  }

  #take(message: SplitTopic): void {
    switch (message.kind) {
      case 'open':
        this.#open(message.handle, message.request)
        return
      case 'packet':
        this.#guests.get(message.handle)?.send(message.payload, message.quickAck)
        return
      case 'delivered':
        this.#guests.get(message.handle)?.delivered(message.packets, message.bytes)
        return
      case 'close':
        this.#guests.get(message.handle)?.close()
        this.#guests.delete(message.handle)
        return
      case 'admit':
        this.#admit(message.handle, message.newcomer)
        return
      case 'transferred':
        this.#visitors.get(message.handle)?.transferred(message.bytes)
        return
      case 'leave':
        this.#visitors.get(message.handle)?.leave()
        this.#visitors.delete(message.handle)
        return
      case 'goodbye':
        this.#ticket?.done()
        return
      case 'quick-ack':
      case 'sent':
      case 'hold':
      case 'ready':
      case 'closed':
      case 'verdict':
      case 'quota-used':
        this.#conversation.notToBeSaid(message)
    }
  }

  #open(handle: SplitHandle, request: (SplitTopic & { kind: 'open' })['request']): void {
    if (this.#guests.has(handle)) throw new SplitError('a front opened the same tunnel twice')
    this.#cameBy(request.listener)
    if (this.#isFull()) {
      this.#conversation.tell({ kind: 'closed', handle, why: 'park-full' })
      return
    }
    const guest = new Guest(
      handle,
      (answer) => this.#conversation.tell(answer),
      () => this.#guests.delete(handle),
    )
    this.#guests.set(handle, guest)
    guest.open(this.#options.dataCenters, request)
  }

  #admit(handle: SplitHandle, newcomer: (SplitTopic & { kind: 'admit' })['newcomer']): void {
    const { gatekeeper } = this.#options
    if (gatekeeper === null)
      throw new SplitError('a front asked who may come in, which is for itself to decide')
    if (this.#visitors.has(handle)) throw new SplitError('a front asked about the same newcomer twice')
    this.#cameBy(newcomer.listener)
    if (this.#isFull()) {
      this.#conversation.tell({ kind: 'verdict', handle, verdict: 'policy_error' })
      return
    }
    const visitor = new Visitor(
      handle,
      (answer) => this.#conversation.tell(answer),
      () => this.#visitors.delete(handle),
    )
    this.#visitors.set(handle, visitor)
    visitor.ask(gatekeeper, newcomer)
  }

  #cameBy(listener: string): void {
    this.#listeners.add(listener)
    if (this.#listeners.size > maxListeners) {
      throw new SplitError(`a front has more than ${maxListeners} listeners`)
    }
  }

  #isFull(): boolean {
    return this.#guests.size + this.#visitors.size >= (this.#options.maxPerFront ?? 200_000)
  }

  #leave(): void {
    for (const guest of this.#guests.values()) guest.close()
    for (const visitor of this.#visitors.values()) visitor.leave()
    this.#guests.clear()
    this.#visitors.clear()
  }
}
