import type { World } from './world.js'
import { conference } from './worlds/conference.js'
import { mirror } from './worlds/mirror.js'
import { proxy } from './worlds/proxy.js'
import { replication } from './worlds/replication.js'

/** All that are soaked, by name: each is started in a folder of its own. */
export const worlds: Readonly<Record<string, (folder: string) => Promise<World>>> = {
  replication,
  proxy,
  mirror,
  conference,
}
