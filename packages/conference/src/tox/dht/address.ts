import { isIPv4, isIPv6 } from 'node:net'

/** Where a node can be reached: an IP address, not a name, and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** The address as text; also what tells two of them apart. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether a node can be there: what others tell may be the address of everybody, or of nobody. */
export function isUsable({ host, port }: Address): boolean {
  if (port === 0) return false
  if (isIPv4(host)) {
    const first = Number(host.slice(0, host.indexOf('.')))
    return first > 0 && first < 224
  }
  return isIPv6(host) && host !== '::' && !/^ff/i.test(host)
}

/** Whether the address belongs to this host or its own network: nobody far away can send from there. */
export function isLocal(host: string): boolean {
  const address = host.replace(/^::ffff:/i, '')
  return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|::1$|fe[89ab]|f[cd])/i.test(address)
}
