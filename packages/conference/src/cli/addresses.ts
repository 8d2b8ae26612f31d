import { isIPv6 } from 'node:net'
import { InvalidArgumentError } from 'commander'
import { canHaveOwner } from '../tox/crypto/public-key.js'
import { parseToxId } from '../tox/crypto/tox-id.js'
import type { RealKey } from '../wire/identity.js'

/** A host, by name or address, and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** A node or relay by its DHT key. */
export interface KnownNode extends HostPort {
  readonly key: string
}

/** Reads `HOST:PORT`, or `[IPV6]:PORT`. */
export function hostPort(text: string): HostPort {
  const [, ip6, name, port] = /^(?:\[([\da-f:.]+)\]|([^\s/:[\]]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = ip6 ?? name
  if (host === undefined || (ip6 !== undefined && !isIPv6(ip6)) || Number(port) > 65_535) {
    throw new InvalidArgumentError('It must be HOST:PORT, or [IPV6]:PORT.')
  }
  return { host, port: Number(port) }
}

/** As {@link hostPort}, of somebody else: nobody is at port 0. */
export function theirHostPort(text: string): HostPort {
  const place = hostPort(text)
  if (place.port === 0) throw new InvalidArgumentError('The port must be 1 to 65535.')
  return place
}

/** Reads `HOST:PORT:KEY`. */
export function knownNode(text: string): KnownNode {
  const [, where = '', key = ''] = /^(.+):([0-9a-fA-F]{64})$/.exec(text) ?? []
  if (key === '')
    throw new InvalidArgumentError('It must be HOST:PORT:KEY, the key of 64 hexadecimal digits.')
  return { ...theirHostPort(where), key: somebodys(key.toLowerCase()) }
}

/** Reads a Tox ID or a public key. */
export function friendKey(text: string): RealKey {
  return somebodys(/^[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : keyOfId(text))
}

function keyOfId(text: string): RealKey {
  try {
    return parseToxId(text).realKey
  } catch {
    throw new InvalidArgumentError('It must be a Tox ID of 76, or a public key of 64 hexadecimal digits.')
  }
}

function somebodys(key: string): string {
  if (canHaveOwner(key)) return key
  throw new InvalidArgumentError('Nobody can have this key: copy it again from where it is shown.')
}
