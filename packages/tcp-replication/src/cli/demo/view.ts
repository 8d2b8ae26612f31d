import { styleText } from 'node:util'
import type { DemoFollower } from './follower.js'
import type { Oracle } from './oracle.js'
import type { ServerProcess } from './server-process.js'

/** What the live status shows. */
export interface Scenery {
  readonly server: ServerProcess
  readonly oracle: Oracle
  readonly followers: readonly DemoFollower[]
}

/** The live status. */
export function statusLines({ server, oracle, followers }: Scenery): string[] {
  const lines = followers.map(({ name, client, witness, links }) => {
    const { batches, repeated } = witness.tally()
    const { phase } = client.state
    const colour = phase === 'ready' ? 'green' : 'yellow'
    return `  ${name.padEnd(12)} ${styleText(colour, phase.padEnd(12))} ${batches} batches applied, ${repeated} repeated, link ${links}`
  })
  const state = server.isRunning ? styleText('green', 'running') : styleText('red', 'down')
  return [`  ${'server'.padEnd(12)} ${state.padEnd(22)} ${oracle.batches} batches acknowledged`, ...lines]
}
