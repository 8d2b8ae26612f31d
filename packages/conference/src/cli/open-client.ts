import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { type Env, OptionError } from '@holdfast/core'
import { loadConfig, watchedRegistry } from '@holdfast/core/service'
import { type ToxClient, toxClient } from '../client/tox-client.js'
import { registerConferenceMetrics } from '../metrics/conference-metrics.js'
import { registerNodeMetrics } from '../metrics/node-metrics.js'
import { newProfile } from '../profile/tox-profile.js'
import { KeyPair } from '../tox/crypto/box.js'
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
  const client = await toxClient({ env, profile: config.profile, ...(await networkOf(config)) })
  if (registry !== null) {
    registerConferenceMetrics(registry, client)
    registerNodeMetrics(registry, client.node)
  }
  for (const friend of config.friend) client.befriend(friend)
  return client
}

/** Starts the node that file, environment and flags of a command describe. */
export async function openConfigured(env: Env, flags: TerminalFlags): Promise<ToxClient> {
  const from = { file: flags.config, env: process.env, flags: fieldsOf(flags) }
  const config = await loadConfig({ schema: memberSchema, prefix: variablePrefix, ...from })
  return openClient(env, config, undefined)
}

/** What the configuration says to a node; names of hosts are looked up. */
async function networkOf({
  listen,
  bootstrap,
  relay,
  neighbour,
  lan,
}: MemberConfig): Promise<
  Required<Pick<ToxNodeOptions, 'listen' | 'bootstrap' | 'relays' | 'neighbours' | 'lan'>>
> {
  return {
    listen: await resolved(listen),
    bootstrap: await Promise.all(
      bootstrap.map(async (node) => ({ dhtKey: node.key, address: await resolved(node) })),
    ),
    relays: await Promise.all(relay.map(async (node) => ({ key: node.key, ...(await resolved(node)) }))),
    neighbours: await Promise.all(neighbour.map(resolved)),
    lan,
  }
}

async function resolved({ host, port }: HostPort): Promise<HostPort> {
  try {
    const { address } = await lookup(host)
    return { host: address, port }
  } catch {
    throw new OptionError('host', 'an address, or a name that can be looked up', host)
  }
}

/** The save file of somebody new, under a name. For once `cryptoReady` is there. */
export function freshProfile(name: string): Uint8Array {
  const keys = new KeyPair(randomBytes(32))
  return newProfile({
    secretKey: keys.secret(),
    realKey: keys.name,
    nospam: randomBytes(4).readUInt32BE(),
    name,
  })
}
