import type { Observable } from 'rxjs'
import type { End, LinkId, Millis } from '../end.js'
import type { DrainReport } from '../gate/types.js'
import type { LinkOptions } from '../link/options.js'
import type { Acceptor, Endpoint, LinkProtocol } from '../link/types.js'

/** Where a listener is. `full`: at a limit; newcomers are refused until a link ends. */
export interface ListenerState {
  readonly phase: 'listening' | 'full' | 'draining' | 'closed'
  /** Ready links. */
  readonly links: number
  /** Links that are open and not yet ready. */
  readonly handshaking: number
}

/** How many links a listener takes. */
export interface ListenerLimits {
  /** Links in all, handshaking ones included. */
  readonly links: number
  readonly handshaking: number
  /** Links from one remote address; unlimited by default. */
  readonly perAddress?: number
}

/** Options of {@link listen}. */
export interface ListenerOptions<P extends LinkProtocol> extends LinkOptions<P> {
  readonly acceptor: Acceptor
  readonly at: Endpoint
  /** Looked at for each newcomer, so that getters can change them. */
  readonly limits: ListenerLimits
}

/** The accept side of a lifecycle: servers do not reconnect. */
export interface Listener<P extends LinkProtocol = LinkProtocol> extends AsyncDisposable {
  /** What was bound, with the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  /** The ready ones; safe to iterate while links end. */
  readonly links: ReadonlyMap<LinkId, P>
  readonly state: ListenerState
  /** Replays the current snapshot, never errors, completes once closed. */
  readonly state$: Observable<ListenerState>
  /** Accepts nothing more, lets work in flight finish within `within`, flushes, and closes. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends every link at once. */
  close(why?: Partial<End>): void
}
