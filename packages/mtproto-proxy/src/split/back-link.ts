import type { LinkProtocol, LinkScope, Millis, Ticket } from '@holdfast/core'
import { SplitConversation, type SplitTopic } from './conversation.js'
import type { BackConnection, FrontTunnel } from './front-tunnel.js'
import type { SplitHandle, SplitMessage } from './messages.js'
import type { RemoteGatekeeper } from './remote-gatekeeper.js'

/** How long a back that drains is waited for to pass on what its clients were not answered yet, in milliseconds. */
const repliesWithin: Millis = 1_000

/** The back, as a front sees it: one link. */
export class BackLink implements LinkProtocol, BackConnection {
  readonly #scope: LinkScope
  readonly #gatekeeper: RemoteGatekeeper
  readonly #conversation: SplitConversation
  readonly #tunnels = new Map<SplitHandle, FrontTunnel>()
  /** Tunnels with a packet, while the link takes no more: there may be very many, each with a long one. */
  readonly #waiting = new Set<FrontTunnel>()
  #isFull = false
  /** Once the back drains: tunnels whose client may still be answered over this link. */
  #unanswered: Set<FrontTunnel> | null = null
  #ticket: Ticket | null = null
  #nextHandle: SplitHandle = 1

  constructor(scope: LinkScope, node: string, gatekeeper: RemoteGatekeeper) {
    this.#scope = scope
    this.#gatekeeper = gatekeeper
    this.#conversation = new SplitConversation(scope, {
      node,
      peer: 'back',
      greeted: () => this.#greeted(),
      take: (message) => this.#take(message),
    })
  }

  /** What the back calls itself; `null` before it has said so. */
  get node(): string | null {
    return this.#conversation.node
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
    if (tunnel === undefined) return
    this.#waiting.delete(tunnel)
    this.#answered(tunnel)
  }

  turnOf(tunnel: FrontTunnel): void {
    if (this.#isFull) this.#waiting.add(tunnel)
    else tunnel.sendWaiting()
  }

  tell(message: SplitMessage): void {
    if (this.#conversation.tell(message) === 'full') this.#isFull = true
  }

  data(chunk: Uint8Array): void {
    this.#conversation.data(chunk)
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
    this.#conversation.probe()
  }

  #take(message: SplitTopic): void {
    switch (message.kind) {
      case 'goodbye':
        this.#retire(message.within)
        return
      case 'packet': {
        const tunnel = this.#tunnels.get(message.handle)
        tunnel?.packet(message.payload)
        if (tunnel !== undefined) this.#answered(tunnel)
        return
      }
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
        if (this.#unanswered === null) this.#tunnels.get(message.handle)?.ready()
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
      case 'open':
      case 'close':
      case 'delivered':
      case 'admit':
      case 'transferred':
      case 'leave':
        this.#conversation.notToBeSaid(message)
    }
  }

  /** Nobody asks any more, and whoever has asked is answered before the link goes, if that is soon. */
  #retire(within: Millis): void {
    if (this.#unanswered !== null) return
    this.#unanswered = new Set()
    for (const tunnel of this.#tunnels.values()) {
      if (tunnel.awaitsAnswer) this.#unanswered.add(tunnel)
      tunnel.hold()
    }
    this.#ticket = this.#scope.gate.enter('answers')
    this.#scope.after(Math.min(repliesWithin, within / 2), () => this.#allAnswered())
    this.#scope.peerDrains(within)
    if (this.#unanswered.size === 0) this.#allAnswered()
  }

  #answered(tunnel: FrontTunnel): void {
    if (this.#unanswered?.delete(tunnel) === true && this.#unanswered.size === 0) this.#allAnswered()
  }

  #allAnswered(): void {
    if (this.#ticket === null) return
    this.tell({ kind: 'goodbye', within: 0 })
    this.#ticket.done()
    this.#ticket = null
  }

  #greeted(): void {
    this.#scope.defer(this.#gatekeeper.connected((told) => this.tell(told)))
    this.#scope.ready()
  }
}
