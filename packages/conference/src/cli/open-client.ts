import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import type { Env, Log } from '@holdfast/core'
import { CommandError } from '@holdfast/core/program'
import { loadConfig, watchedRegistry } from '@holdfast/core/service'
import { type ToxClient, toxClient } from '../client/tox-client.js'
import { registerConferenceMetrics } from '../metrics/conference-metrics.js'
import { registerNodeMetrics } from '../metrics/node-metrics.js'
import type { ToxNodeOptions } from '../tox/node-options.js'
import type { HostPort } from './addresses.js'
import { type MemberConfig, memberSchema } from './config.js'
import { fieldsOf, type TerminalFlags } from './network-options.js'
import { variablePrefix } from './program-name.js'

/** Starts the node that is configured. Its profile must be there. Its metrics are {@link watchedRegistry}'s. */
export async function openClient(
  env: Env,
  config: MemberConfig,
  metrics: string | undefined,
): Promise<ToxClient> {
  // Before there is anything to count.
  const registry = watchedRegistry(metrics)
  const client = await toxClient({ env, profile: config.profile, ...(await networkOf(env.log, config)) })
  if (registry !== null) {
    registerConferenceMetrics(registry, client)
    registerNodeMetrics(registry, client.node)
  }
  // One list of friends may serve all of them.
  for (const friend of config.friend) if (friend !== client.node.realKey) client.befriend(friend)
  return client
}

/** Starts the node that file, environment and flags of a command describe. */
export async function openConfigured(env: Env, flags: TerminalFlags): Promise<ToxClient> {
  const from = { file: flags.config, env: process.env, flags: fieldsOf(flags) }
  const config = await loadConfig({ schema: memberSchema, prefix: variablePrefix, ...from })
  return openClient(env, config, undefined)
}

/** What the configuration says to a node; names of hosts are looked up. */
async function networkOf(
  log: Log,
  { listen, bootstrap, relay, neighbour, lan }: MemberConfig,
): Promise<Required<Pick<ToxNodeOptions, 'listen' | 'bootstrap' | 'relays' | 'neighbours' | 'lan'>>> {
  const own = await lookedUp(listen)
  // A socket of IPv4 cannot send to an address of IPv6.
  const family = isIPv6(own.host) ? 0 : 4
  const [nodes, neighbours] = await Promise.all([
    usable(log, bootstrap, family),
    usable(log, neighbour, family),
  ])
  if (bootstrap.length + relay.length + neighbour.length === 0 && !lan) {
    log.warn({}, 'no way into the network is given: add --lan, --bootstrap or --relay, or wait to be found')
  }
  return {
    listen: own,
    bootstrap: nodes.map(({ key, ...address }) => ({ dhtKey: key, address })),
    // Names of relays are looked up whenever they are dialled.
    relays: relay,
    neighbours,
    lan,
  }
}

/** Those that can be looked up: a name that is gone for good must not keep the others from being used. */
async function usable<T extends HostPort>(log: Log, places: readonly T[], family: 0 | 4): Promise<T[]> {
  const found = await Promise.all(
    places.map(async (place) => {
      try {
        return { ...place, ...(await lookedUp(place, family)) }
      } catch (cause) {
        if (!(cause instanceof CommandError)) throw cause
        log.warn({ host: place.host, port: place.port }, `left out: ${cause.message}`)
        return null
      }
    }),
  )
  const left = found.filter((place) => place !== null)
  if (left.length > 0 || places.length === 0) return left
  throw noAddress(places.map(({ host }) => host).join(', '), family)
}

async function lookedUp({ host, port }: HostPort, family: 0 | 4 = 0): Promise<HostPort> {
  try {
    const { address } = await lookup(host, { family })
    // An address is what it is, whatever was asked for.
    if (family === 0 || !isIPv6(address)) return { host: address, port }
  } catch {
    // Told below.
  }
  throw noAddress(host, family)
}

/** No mistake of the configuration, which would stay so: the network may not be there yet when a host starts. */
function noAddress(host: string, family: 0 | 4): CommandError {
  const what = family === 0 ? 'no address' : 'no address of IPv4 (for IPv6 listen at [::]:0)'
  return new CommandError(`${host} has ${what}, or cannot be looked up: check the name, and the network`)
}
