import { BlockList, isIP } from 'node:net'

/** What is not on the Internet, by the registries of special addresses: this host, its network, its provider's. */
const inner = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  inner.addSubnet(network, bits, 'ipv4')
}
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  inner.addSubnet(network, bits, 'ipv6')
}

/** Whether an address leads somewhere that strangers cannot reach by themselves. */
export function isInnerAddress(address: string): boolean {
  const [bare = ''] = address.split('%', 1)
  return inner.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4')
}
