import { BlockList, isIP } from 'node:net'

/** Where balancers stand unless a port says otherwise: on this host, and in networks that have no route from outside. */
export const localNetworks: readonly string[] = [
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

/** What a peer on a Unix socket has for an address: only this host has those. */
const noAddress = '::'

/** Makes a test for whose PROXY protocol header is believed: anybody else could say that they are whoever they like. */
export function balancersIn(networks: readonly string[]): (address: string) => boolean {
  const known = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = familyOf(address)
    if (bits === undefined) known.addAddress(address, family)
    else known.addSubnet(address, Number(bits), family)
  }
  return (address) => address === noAddress || known.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
