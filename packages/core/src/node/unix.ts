import { connect } from 'node:net'
import type { Endpoint } from '../index.js'
import { acceptStreams } from './accept-streams.js'
import { socketPath } from './socket-address.js'
import { StreamWire } from './stream-wire.js'
import { type Transport, type TransportOptions, wireOptions } from './transport.js'
import { WiredLink } from './wired-link.js'

/** Where {@link unix} dials or listens. */
export interface UnixEndpoint extends Endpoint {
  /** `unix:PATH`, absolute or relative to the working directory; about 100 bytes at most. */
  readonly uri: string
}

/**
 * Links over unix sockets. A socket file that a dead process left behind is replaced; one on which somebody
 * listens is `HF_LISTEN_FAILED`.
 */
export function unix(options: TransportOptions = {}): Transport {
  const settings = wireOptions(options)
  return {
    dial: (to, sink) =>
      new WiredLink(to, sink, settings, (events) => {
        const socket = connect({ path: socketPath(to.uri), allowHalfOpen: true })
        return new StreamWire(socket, to.uri, 'connect', events)
      }),
    accept: async (at, sink) =>
      acceptStreams({
        at,
        scheme: 'unix',
        listen: { path: socketPath(at.uri) },
        sink,
        settings,
      }),
  }
}
