import { Buffer } from 'node:buffer'
import { type DhtKey, hex, view } from '../../wire/identity.js'
import type { Address } from './address.js'

/** A node as nodes tell of it. */
export interface NodeInfo {
  readonly dhtKey: DhtKey
  readonly address: Address
}

/** A node as it is packed; a relay is packed in the same way (spec 12.4). */
export interface PackedNode extends NodeInfo {
  readonly via: 'udp' | 'tcp'
}

const families = new Map([
  [2, { via: 'udp', ip: 4 }],
  [10, { via: 'udp', ip: 16 }],
  [130, { via: 'tcp', ip: 4 }],
  [138, { via: 'tcp', ip: 16 }],
] as const)

/** Packs nodes one after another, 39 bytes for IPv4 and 51 for IPv6 each. */
export function packNodes(nodes: Iterable<PackedNode>): Uint8Array {
  return Buffer.concat(Array.from(nodes, pack))
}

/** Unpacks nodes; `null` if one of them is malformed. */
export function unpackNodes(bytes: Uint8Array): PackedNode[] | null {
  const from = view(bytes)
  const nodes: PackedNode[] = []
  let at = 0
  while (at < from.length) {
    const family = families.get((from[at] ?? 0) as 2)
    if (!family) return null
    const { via, ip } = family
    const end = at + 1 + ip + 2 + 32
    if (end > from.length) return null
    nodes.push({
      via,
      address: {
        host: hostText(from.subarray(at + 1, at + 1 + ip)),
        port: from.readUInt16BE(at + 1 + ip),
      },
      dhtKey: hex(from.subarray(end - 32, end)),
    })
    at = end
  }
  return nodes
}

function pack({ via, dhtKey, address }: PackedNode): Uint8Array {
  const ip = hostBytes(address.host)
  const family = (ip.length === 4 ? 2 : 10) + (via === 'tcp' ? 128 : 0)
  const port = Buffer.alloc(2)
  port.writeUInt16BE(address.port)
  return Buffer.concat([Buffer.of(family), ip, port, Buffer.from(dhtKey, 'hex')])
}

function hostText(ip: Buffer): string {
  if (ip.length === 4) return ip.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ip.readUInt16BE(2 * at).toString(16))
  // A URL knows how an IPv6 address is shortened.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function hostBytes(host: string): Buffer {
  if (!host.includes(':')) return Buffer.from(host.split('.').map(Number))
  const address = new URL(`http://[${host.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = address.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros: string[] = Array.from({ length: 8 - front.length - back.length }, () => '0')
  const ip = Buffer.alloc(16)
  for (const [at, group] of [...front, ...zeros, ...back].entries()) {
    ip.writeUInt16BE(Number.parseInt(group, 16), 2 * at)
  }
  return ip
}
