import { styleText } from 'node:util'
import { type Stage, statusOf } from './scenes.js'

/** The status below what happens. */
export function statusLines(stage: Stage): string[] {
  const { oak, elm, store, mirror } = stage
  const relays = [oak, elm].map((relay) => {
    const status = statusOf(stage, relay)
    const state = relay.isRunning ? 'running' : 'gone'
    const colour = relay.isRunning ? 'green' : 'red'
    const ours =
      status === undefined ? 'unknown to us' : `${status.status}, ${status.pendingBatches} batches pending`
    return `  ${relay.name}  ${styleText(colour, state.padEnd(8))} ${String(relay.store.size).padStart(4)} events   ${ours}`
  })
  return [...relays, `  we   ${mirror.state.phase.padEnd(8)} ${String(store.size).padStart(4)} events`]
}
