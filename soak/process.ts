/** One system for a while, in a process of its own: `NAME SECONDS FOLDER`. Sends a {@link Sample} every few seconds. */
import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../packages/core/src/index.js'
import { showPause as pause } from '../packages/core/src/service/index.js'
import type { Sample, World } from './world.js'

const [name = '', seconds = '60', folder = ''] = process.argv.slice(2)
const sampleEvery = 5000
const faultEvery = 2000
const clock = systemClock()

const openFiles = (): number => {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    // Only Linux tells.
    return 0
  }
}

// Only this one: what the others would load is not to be measured.
const { start } = (await import(`./worlds/${name}.js`)) as {
  readonly start: (folder: string) => Promise<World>
}
const world = await start(folder)
const began = clock.now()
const isOver = (): boolean => clock.now() - began > Number(seconds) * 1000
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
let [doneBefore, sampledAt] = [world.done, began]

function sample(): Sample {
  const lag = delay.percentile(99) / 1e6
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const now = clock.now()
  const { done } = world
  const rate = ((done - doneBefore) * 1000) / (now - sampledAt)
  doneBefore = done
  sampledAt = now
  delay.reset()
  return {
    at: (now - began) / 1000,
    heap: (heapUsed + external) / 2 ** 20,
    handles: process.getActiveResourcesInfo().length + openFiles(),
    lag,
    rate,
  }
}

const sampling = clock.sweep(sampleEvery, () => process.send?.(sample()))
process.once('disconnect', () => process.exit(1))
for (let turn = 0; !isOver(); turn += 1) {
  await world.faults[turn % world.faults.length]?.()
  await pause(clock, faultEvery)
  if (typeof world.problem === 'string') throw new Error(`${name}: ${world.problem}`)
}
sampling.cancel()
await world[Symbol.asyncDispose]()
process.exit()
