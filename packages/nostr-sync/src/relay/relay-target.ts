import { type LookupAddress, lookup } from 'node:dns'
import { lookup as lookUp } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { Endpoint } from '@holdfast/core'
import { addressClass } from '../wire/address-class.js'
import type { RelayUrl } from '../wire/relay-url.js'
import { RelayTargetError } from './errors.js'

/** Finds the addresses of a host name. Rejects with Node's error codes. */
export type ResolveHost = (name: string) => Promise<readonly string[]>

/** Where a relay is, for a dialer: the addresses that were looked at are the ones that are dialed. */
export interface RelayTarget extends Endpoint {
  readonly maxPayload: number
  readonly perMessageDeflate: boolean
  /** Answers with what was looked up before, so that nobody can change it in between. */
  readonly lookup?: LookupFunction
}

/** strfry sends negentropy messages of up to a million characters (spec 9). */
const maxPayload = 5 * 1024 * 1024

/** By the resolver of the host. */
export const systemResolve: ResolveHost = async (name) =>
  (await lookUp(name, { all: true })).map(({ address }) => address)

/**
 * Looks a relay up, and refuses what is not on the public internet (R4).
 *
 * @throws (rejects) a {@link RelayTargetError}; the error of the resolver
 */
export async function relayTarget(
  url: RelayUrl,
  { resolve, allowPrivate }: { readonly resolve: ResolveHost; readonly allowPrivate: boolean },
): Promise<RelayTarget> {
  const endpoint = { uri: url, maxPayload, perMessageDeflate: true }
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  if (allowPrivate) return endpoint
  const addresses = isIP(host) === 0 ? await resolve(host) : [host]
  for (const address of addresses) {
    const what = addressClass(address)
    if (what !== 'public') throw new RelayTargetError(url, address, what)
  }
  return { ...endpoint, lookup: pinned(addresses) }
}

function pinned(addresses: readonly string[]): LookupFunction {
  const all: LookupAddress[] = addresses.map((address) => ({ address, family: isIP(address) }))
  return (name, options, callback) => {
    const [first] = all
    if (first === undefined) lookup(name, options, callback)
    else if (options.all === true) callback(null, all)
    else callback(null, first.address, first.family)
  }
}
