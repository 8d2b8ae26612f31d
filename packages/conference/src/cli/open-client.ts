import { randomBytes } from 'node:crypto'
import type { Log } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { watchedRegistry } from '@holdfast/core/service'
import { type ToxClient, toxClient } from '../client/tox-client.js'
import { registerConferenceMetrics } from '../metrics/conference-metrics.js'
import { registerNodeMetrics } from '../metrics/node-metrics.js'
import { newProfile } from '../profile/tox-profile.js'
import { KeyPair } from '../tox/crypto/box.js'
import { type NetworkFlags, networkOf } from './network-options.js'
import { programName } from './program-name.js'

/** Starts the node that the flags describe. Its profile must be there. Its metrics are {@link watchedRegistry}'s. */
export async function openClient(
  flags: NetworkFlags & { readonly metrics?: string },
  log: Log,
): Promise<ToxClient> {
  // Before there is anything to count.
  const registry = watchedRegistry(flags.metrics)
  const client = await toxClient({
    env: nodeEnv({ name: programName, log }),
    profile: flags.profile,
    ...(await networkOf(flags)),
  })
  if (registry !== null) {
    registerConferenceMetrics(registry, client)
    registerNodeMetrics(registry, client.node)
  }
  for (const friend of flags.friend) client.befriend(friend)
  return client
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
