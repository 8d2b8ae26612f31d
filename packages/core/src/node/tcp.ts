import { connect } from 'node:net'
import type { Endpoint } from '../index.js'
import { acceptStreams } from './accept-streams.js'
import { hostPort } from './socket-address.js'
import { StreamWire } from './stream-wire.js'
import { type Transport, type TransportOptions, wireOptions } from './transport.js'
import { WiredLink } from './wired-link.js'

/** Where {@link tcp} dials or listens. */
export interface TcpEndpoint extends Endpoint {
  /** `tcp://HOST:PORT`; an IPv6 address in brackets. Port 0 listens on a free one. */
  readonly uri: string
  /** The address of this host to dial from. */
  readonly localAddress?: string
}

/**
 * Links over TCP, without Nagle's delay. A name with several addresses is tried as RFC 8305 says.
 *
 * @example
 * ```ts no-run
 * import { tcp } from '@holdfast/core/node'
 *
 * const accepting = await tcp().accept({ uri: 'tcp://127.0.0.1:0' }, {
 *   incoming: (_take, remote) => console.log('refused', remote.uri),
 *   failed: (cause) => console.error(cause),
 * })
 * console.log(accepting.endpoint.uri)
 * ```
 */
export function tcp(options: TransportOptions = {}): Transport {
  const settings = wireOptions(options)
  return {
    dial: (to: TcpEndpoint, sink) =>
      new WiredLink(to, sink, settings, (events) => {
        const { localAddress } = to
        const socket = connect({
          ...hostPort(to.uri, 'tcp'),
          ...(localAddress !== undefined && { localAddress }),
          allowHalfOpen: true,
          noDelay: true,
        })
        return new StreamWire(socket, to.uri, 'connect', events)
      }),
    accept: async (at, sink) =>
      acceptStreams({
        at,
        scheme: 'tcp',
        listen: hostPort(at.uri, 'tcp'),
        sink,
        settings,
      }),
  }
}
