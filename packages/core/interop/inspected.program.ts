/**
 * A process to look at: `LIFECYCLES LOST_PER_SECOND HOW`, and HOW is `inspected` or `plain`. It says `{ url }` when all is up,
 * and answers
 * every message with `{ cpuSeconds }`: the processor time since the message before.
 */
import { serveInspector } from '../src/inspector/index.js'
import { nodeEnv } from '../src/node/index.js'
import { seededRandom } from '../src/testing/index.js'
import { inspectedWorld } from './inspected-world.js'

const [lifecycles = '100', lostPerSecond = '1', how = 'inspected'] = process.argv.slice(2)
const inspector = how === 'inspected' ? await serveInspector({ at: '127.0.0.1:0', program: 'interop' }) : null
const env = nodeEnv({ name: 'interop', random: seededRandom(1) })
await inspectedWorld({ env, lifecycles: Number(lifecycles), lostPerSecond: Number(lostPerSecond) })

let before = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(before)
  before = process.cpuUsage()
  process.send?.({ cpuSeconds: (user + system) / 1e6 })
})
process.on('disconnect', () => process.exit())
process.send?.({ url: inspector?.url ?? null })
