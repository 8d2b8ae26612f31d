/**
 * What is done to a node from outside, and by its own machine: ten thousand clients, threads that die, a full disk, SIGKILL in
 * the middle of a sync, a clock that is set. Says of each promise whether it was held.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/nostr-sync/test/soak/attacks.ts [name]...
 *
 * `full-disk` mounts a small tmpfs, and is left out where that is not allowed. `killed` runs the program as it was built
 * (`pnpm build`). `clients` needs `ulimit -n` of 12,000.
 */
import { systemClock } from '@holdfast/core'
import { Scorecard } from '@holdfast/core/service'
import { attackByClients } from './attacks/clients.js'
import { attackByClock } from './attacks/clock.js'
import { attackByDeadThreads } from './attacks/dead-threads.js'
import { attackByFullDisk } from './attacks/full-disk.js'
import { attackByKilling } from './attacks/killed.js'

const attacks = {
  clients: ['10,000 clients of one endpoint, which stay, and leave together', attackByClients],
  threads: ['the thread that checks signatures dies again and again', attackByDeadThreads],
  'full-disk': ['the disk is full while events are published', attackByFullDisk],
  killed: ['run is killed again and again while it fetches', attackByKilling],
  clock: ['the clock is set forwards and back while events are published', attackByClock],
} as const

const chosen = process.argv.slice(2)
const card = new Scorecard({ out: process.stdout, clock: systemClock() })
for (const [name, [about, attack]] of Object.entries(attacks))
  if (chosen.length === 0 || chosen.includes(name)) await card.scenario(name, about, () => attack(card))
process.exit(card.finish() ? 0 : 1)
