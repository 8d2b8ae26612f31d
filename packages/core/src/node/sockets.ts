import type { Acceptor } from '../index.js'
import { OptionError } from '../index.js'
import { inherited } from './inherited.js'
import { tcp } from './tcp.js'
import { tls } from './tls.js'
import { type Transport, type TransportOptions, wireOptions } from './transport.js'
import { unix } from './unix.js'
import { WiredLink } from './wired-link.js'

/** Options of {@link sockets}. */
export interface SocketsOptions extends TransportOptions {
  /** Transports for other schemes, such as `{ ws: webSocket(), wss: webSocket() }`. */
  readonly more?: Readonly<Record<string, Transport>>
}

/**
 * The transports of Node in one, chosen by the scheme of the URI: `tcp:`, `tls:`, `unix:`, and `fd:` to accept on a
 * socket that the process was started with.
 */
export function sockets(options: SocketsOptions = {}): Transport {
  const settings = wireOptions(options)
  const dialers: Readonly<Record<string, Transport>> = {
    tcp: tcp(options),
    tls: tls(options),
    unix: unix(options),
    ...options.more,
  }
  const acceptors: Readonly<Record<string, Acceptor>> = { ...dialers, fd: inherited(options) }
  return {
    dial(to, sink) {
      const dialer = dialers[schemeOf(to.uri)]
      if (dialer !== undefined) return dialer.dial(to, sink)
      return new WiredLink(to, sink, settings, () => {
        throw unknownScheme(dialers, to.uri)
      })
    },
    async accept(at, sink) {
      const acceptor = acceptors[schemeOf(at.uri)]
      if (acceptor === undefined) throw unknownScheme(acceptors, at.uri)
      return acceptor.accept(at, sink)
    },
  }
}

function schemeOf(uri: string): string {
  return uri.slice(0, uri.indexOf(':'))
}

function unknownScheme(known: object, uri: string): OptionError {
  return new OptionError('endpoint.uri', `of a scheme among ${Object.keys(known).join(', ')}`, uri)
}
