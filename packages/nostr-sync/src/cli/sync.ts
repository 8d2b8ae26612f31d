import { Command } from 'commander'
import type { EventCounts } from '../intake/event-counts.js'
import { fetchOnce, type OneShot } from '../relay/one-shot.js'
import { addOneRelayOptions, type OneRelayFlags, withOneRelay } from './one-relay.js'
import { programName } from './program-name.js'
import { Progress } from './progress.js'

const results = ['saved', 'duplicate', 'rejected', 'held', 'invalid', 'failed'] as const

/** `sync`: everything that one relay has, once. */
export function syncCommand(): Command {
  return addOneRelayOptions(new Command())
    .option('--domains <list>', 'take only what a GRASP server of these domains takes')
    .option('--no-negentropy', 'page through everything instead of comparing first')
    .addHelpText('after', examples)
    .action((url: string, flags: OneRelayFlags) =>
      withOneRelay(url, flags, async (shot, { counts }) => {
        const isComplete = await withProgress(shot, counts)
        const tally = countsOf(shot, counts)
        const report = { relay: url, complete: isComplete, ...tally }
        const text = flags.json === true ? JSON.stringify(report) : describe(tally)
        process.stdout.write(
          `${text}${isComplete || flags.json === true ? '' : ', and not all of it came'}\n`,
        )
        return isComplete
      }),
    )
}

const examples = `
Exits with 0 if everything came that the relay has of the filter, else with 1.

Examples:
  $ ${programName} sync wss://relay.example --data ./events
  $ ${programName} sync wss://relay.example --data ./events --filter '{"kinds":[30617]}'`

async function withProgress(shot: OneShot, counts: EventCounts): Promise<boolean> {
  using _progress = new Progress(() => `syncing: ${describe(countsOf(shot, counts))}`)
  return await fetchOnce(shot)
}

type Tally = Readonly<Record<(typeof results)[number], number>>

function countsOf({ url }: OneShot, counts: EventCounts): Tally {
  const from = { kind: 'relay', url } as const
  return Object.fromEntries(results.map((result) => [result, counts.of(from, result)])) as Tally
}

function describe(tally: Tally): string {
  return Object.entries(tally)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
