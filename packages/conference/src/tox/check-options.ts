import { isIP } from 'node:net'
import { OptionError } from '@holdfast/core'
import type { DhtKey, RealKey } from '../wire/identity.js'
import { canHaveOwner } from './crypto/public-key.js'
import { type Address, addressText } from './dht/address.js'
import type { ToxNodeOptions } from './node-options.js'

const wholeKey = /^[0-9a-f]{64}$/

/**
 * Checks what an application says of the network: what is wrong there would only never answer.
 *
 * @throws an `OptionError`
 */
export function checkNetwork(options: ToxNodeOptions): void {
  const { secretKey, listen, bootstrap = [], relays = [], neighbours = [] } = options
  if (secretKey.length !== 32) throw new OptionError('secretKey', '32 bytes', `${secretKey.length} bytes`)
  if (listen) checkAddress('listen', listen, 0)
  for (const [index, node] of bootstrap.entries()) checkPlace(`bootstrap[${index}]`, node)
  for (const [index, { key, host, port }] of relays.entries()) {
    checkKey(`relays[${index}].key`, key)
    if (host === '' || !isPort(port, 1)) {
      throw new OptionError(
        `relays[${index}]`,
        'a host and a port from 1 to 65535',
        addressText({ host, port }),
      )
    }
  }
  for (const [index, address] of neighbours.entries()) checkAddress(`neighbours[${index}]`, address, 1)
}

/**
 * Checks where somebody is said to be.
 *
 * @throws an `OptionError`
 */
export function checkPlace(field: string, at: { readonly dhtKey: DhtKey; readonly address?: Address }): void {
  checkKey(`${field}.dhtKey`, at.dhtKey)
  if (at.address) checkAddress(`${field}.address`, at.address, 1)
}

/**
 * Checks a public key.
 *
 * @throws an `OptionError` if it is written otherwise, or can be nobody's
 */
export function checkKey(field: string, key: RealKey): void {
  if (!wholeKey.test(key)) {
    throw new OptionError(field, 'a public key of 64 lower-case hexadecimal digits', key)
  }
  if (!canHaveOwner(key)) throw new OptionError(field, 'a public key that somebody can have', key)
}

function checkAddress(field: string, address: Address, least: 0 | 1): void {
  if (isIP(address.host) !== 0 && isPort(address.port, least)) return
  throw new OptionError(field, `an IP address and a port from ${least} to 65535`, addressText(address))
}

function isPort(port: number, least: 0 | 1): boolean {
  return Number.isInteger(port) && port >= least && port <= 65_535
}
