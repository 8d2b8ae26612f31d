import type { AddressInfo } from 'node:net'
import { OptionError } from '../index.js'

/** A host and a port, as Node's `net` wants them. */
export interface HostPort {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads `SCHEME://HOST:PORT`; an IPv6 address stands in brackets.
 *
 * @throws an {@link OptionError} when host or port are missing, or it is of another scheme: what was meant for TLS must
 *   not go out in clear
 */
export function hostPort(uri: string, scheme: 'tcp' | 'tls'): HostPort {
  const { protocol, hostname, port } = URL.canParse(uri)
    ? new URL(uri)
    : { protocol: '', hostname: '', port: '' }
  if (protocol !== `${scheme}:` || hostname === '' || port === '') {
    throw new OptionError('endpoint.uri', `${scheme}://HOST:PORT, such as ${scheme}://127.0.0.1:7000`, uri)
  }
  return { host: decodeURIComponent(hostname).replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** What the kernel takes, without the zero at the end; of more, Node.js uses the beginning and says nothing. */
const longestPath = process.platform === 'linux' ? 107 : 103

/**
 * Reads `unix:PATH` or `unix://PATH`.
 *
 * @throws an {@link OptionError} when there is no path, or a longer one than sockets can have
 */
export function socketPath(uri: string): string {
  const path = uri.replace(/^unix:(\/\/(?=\/))?/, '')
  if (path === '') throw new OptionError('endpoint.uri', 'unix:PATH, such as unix:/run/service.sock', uri)
  if (Buffer.byteLength(path) > longestPath && process.platform !== 'win32')
    throw new OptionError('endpoint.uri', `unix:PATH, the path of ${longestPath} bytes at most`, uri)
  return path
}

/** Writes `SCHEME://HOST:PORT`, with brackets around an IPv6 address. */
export function addressUri(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The URI of what a server is bound to: an address, or the path of a unix socket. */
export function boundUri(scheme: string, bound: AddressInfo | string | null): string {
  if (bound === null) return `${scheme}:`
  return typeof bound === 'string' ? `unix:${bound}` : addressUri(scheme, bound.address, bound.port)
}
