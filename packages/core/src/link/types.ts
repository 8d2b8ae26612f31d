import type { End, LinkId, Millis, Off } from '../end.js'
import type { Timer } from '../env/types.js'
import type { Gate } from '../gate/types.js'

/** Where to dial or listen: `tcp:`, `tls:`, `unix:`, `ws:`, `wss:`, `memory:`, or an adapter's own scheme. */
export interface Endpoint {
  readonly uri: string
  readonly [option: string]: unknown
}

/** A host as an IP address, and a port. */
export interface LinkAddress {
  readonly host: string
  readonly port: number
}

/** What became of a write: `full` means accepted, stop until {@link LinkSink.writable}; `refused` means dropped. */
export type WriteResult = 'sent' | 'full' | 'refused'

/** One generation of one connection: single use, bytes in, bytes out, exactly one end. */
export interface Link {
  readonly id: LinkId
  readonly endpoint: Endpoint
  /** `retiring`: {@link Link.end} was called and what was accepted is being flushed. */
  readonly phase: 'opening' | 'open' | 'retiring' | 'ended'
  /** Hands over bytes, which the link may keep; refused unless the link is open. */
  write(chunk: Uint8Array | string): WriteResult
  /** Unreliable delivery, where the transport has it. */
  datagram?(chunk: Uint8Array): 'sent' | 'refused'
  /** A control frame of the transport (WebSocket); its answer counts as heard. */
  ping?(): void
  /** Bytes ever accepted. Keeps its last value after the end. */
  readonly accepted: number
  /** Of those, not yet taken by the kernel, in whole writes. Keeps its last value after the end. */
  readonly unflushed: number
  /** Inbound back-pressure; reads again when every holder has released. */
  pause(): Off
  /** Graceful: flushes within a deadline, then ends. */
  end(why: End): void
  /**
   * Half of a graceful end, where the transport has halves: writes are refused from now on, the peer is told after what
   * was accepted, and what it says is still heard, until it has finished too.
   */
  finish?(): void
  /** Ends at once. Idempotent. */
  destroy(why: End): void
  /** As {@link Link.destroy}, and without goodbye: by RST, where the transport has it. */
  reset?(why: End): void
  /** The addresses of both ends, where the transport has them and while it does: not before it is open. */
  readonly addresses?: { readonly local: LinkAddress; readonly remote: LinkAddress } | undefined
  /** Who the peer has proved to be, where the transport verified that: the common name of its certificate. */
  readonly identity?: string | undefined
}

/** What a link tells its owner. One slot each, synchronous, exactly one `ended`, nothing after it. */
export interface LinkSink {
  /** The link is open: writes are accepted, and what comes in is told. */
  opened(): void
  /** The chunk is lent: valid during the call only. */
  data(chunk: Uint8Array): void
  /** A whole message, where the transport has them; lent like a chunk. */
  message?(message: Uint8Array | string): void
  /** A datagram came in; lent like a chunk. */
  datagram?(chunk: Uint8Array): void
  /** The peer showed life without data, for example by a pong. */
  heard?(): void
  /** What was accepted has been flushed after a `full`. */
  writable(): void
  /**
   * The peer says that it writes no more. `true`: the link stays open for writing until it is ended; else, and without
   * this, what was accepted is flushed and the link ends as `closed-by-peer`.
   */
  finished?(): boolean
  /** The link is over. */
  ended(why: End): void
}

/** Opens links. */
export interface Dialer {
  /** Returns at once with a link in phase `opening`; whatever fails later is told to `sink.ended`. */
  dial(to: Endpoint, sink: LinkSink): Link
}

/** What an {@link Acceptor} tells its owner. */
export interface AcceptSink {
  /**
   * A peer has connected. Calling `take` during this call makes it a link, already open or opening; not calling
   * it refuses the peer.
   */
  incoming(take: (sink: LinkSink) => Link, remote: Endpoint): void
  /** Accepting broke down; nothing more will come in. */
  failed(cause: unknown): void
}

/** A bound, accepting address. */
export interface Accepting {
  /** What was bound, with the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  /** Stops accepting; links that were taken go on. Idempotent. */
  close(): Promise<void>
}

/** The accept side of a transport. */
export interface Acceptor {
  /** @throws a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound */
  accept(at: Endpoint, sink: AcceptSink): Promise<Accepting>
}

/**
 * A protocol's object: one for each link, made when the link opens, never used after its end. A hook that throws ends the
 * link as `adapter-threw`. Hooks are synchronous: where one returns a promise all the same, nobody waits for it, and
 * a rejection counts as thrown.
 */
export interface LinkProtocol {
  /** Bytes came in. The chunk is lent: valid during the call only. */
  data?(chunk: Uint8Array): void
  /** A whole message came in, where the transport has them; lent like a chunk. */
  message?(message: Uint8Array | string): void
  /** A datagram came in; lent like a chunk. */
  datagram?(chunk: Uint8Array): void
  /** What was written has been flushed, after a write that answered `full`. */
  writable?(): void
  /** The peer writes no more, see {@link LinkSink.finished}: `true` keeps the link open for writing. */
  finished?(): boolean
  /**
   * Nothing was written for {@link Keepalive.sendEvery}, or the host woke: say something, best what the peer answers.
   * Without it, {@link Link.ping} does, where the transport has that.
   */
  probe?(): void
  /** Draining began: say goodbye; what is in flight may finish until the deadline (a point on `clock.now()`). */
  retire?(deadline: Millis): void
  /**
   * We give up a link that is open: last words for the peer, which arrive only if the transport takes them at once.
   * To be sure that something arrives, write it and {@link Link.end} the link.
   */
  farewell?(why: End): Uint8Array | string | undefined
  /**
   * The transport says that the link is over: what the peer had said of it, in words for people. It comes first in the
   * end's `detail`.
   */
  explain?(): string | undefined
  /** The last call, after everything that was deferred on the scope. */
  ended?(why: End): void
}

/** Everything a protocol may hold of its link; all of it dies with the link. */
export interface LinkScope {
  readonly link: Link
  readonly endpoint: Endpoint
  readonly gate: Gate
  /** The protocol's own readiness: greeted and subscribed and positioned. Once; later calls do nothing. */
  ready(): void
  /** Ends the link at once with this reason. */
  fail(why: End): void
  /** Starts liveness checks where {@link Keepalive.arm} is `manual`. Once; later calls do nothing. */
  armKeepalive(): void
  /** The peer said goodbye: drain now, dial again with advice `now`. */
  peerDrains(within: Millis): void
  /** Calls `fn` once, unless the link ends first. */
  after(ms: Millis, fn: () => void): Timer
  /** Calls `fn` every `ms` on the shared wheel, until the link ends. */
  sweep(ms: Millis, fn: () => void): Timer
  /** Wraps `fn` so that it does nothing once the link has ended. */
  guard<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void
  /**
   * Runs `fn` when the link ends: last registered first, each isolated. At once if it already has.
   *
   * @returns takes it back: what ends before its link must not be held until then
   */
  defer(fn: (why: End) => void): Off
  /** Aborted with the end's `HoldfastError` when the link ends. Made on first access. */
  readonly signal: AbortSignal
}

/**
 * When to speak and how long to listen. A peer that has nothing to say is taken for silent unless it is asked: use both, and
 * have a {@link LinkProtocol.probe} that is answered, or a transport with a {@link Link.ping}.
 */
export interface Keepalive {
  /** `probe()` is called when nothing was written for this long; the gap never exceeds it. */
  readonly sendEvery?: Millis
  /**
   * The link ends as `silent` when nothing was heard for this long; noticed at most a quarter of it later. While
   * reading is paused nothing can be heard, and nothing is held against the peer.
   */
  readonly hearWithin?: Millis
  /** When listening starts: with the link, or when the protocol says so by {@link LinkScope.armKeepalive}. */
  readonly arm: 'at-open' | 'manual'
}
