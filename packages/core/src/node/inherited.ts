import type { Acceptor } from '../index.js'
import { OptionError } from '../index.js'
import { acceptStreams } from './accept-streams.js'
import { type TransportOptions, wireOptions } from './transport.js'

/**
 * Accepts on a listening socket that the process was started with, for example by systemd (`LISTEN_FDS`): the
 * endpoint is `fd:N`, and the first of systemd's is `fd:3`. It may be of TCP or a unix socket.
 */
export function inherited(options: TransportOptions = {}): Acceptor {
  const settings = wireOptions(options)
  return {
    accept: async (at, sink) =>
      acceptStreams({
        at,
        scheme: 'tcp',
        listen: { fd: descriptor(at.uri) },
        sink,
        settings,
      }),
  }
}

function descriptor(uri: string): number {
  const found = /^fd:(\d+)$/.exec(uri)
  if (found === null) throw new OptionError('endpoint.uri', 'fd:N, such as fd:3', uri)
  return Number(found[1])
}
