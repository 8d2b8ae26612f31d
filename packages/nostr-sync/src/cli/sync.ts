import { Command, Option } from 'commander'
import { fetchOnce } from '../relay/one-shot.js'
import { pushOnce } from '../sink/push-once.js'
import type { SinkStats } from '../sink/types.js'
import {
  addOneRelayOptions,
  domainsOf,
  type OneRelayFlags,
  type OneRelayParts,
  withOneRelay,
} from './one-relay.js'
import { programName } from './program-name.js'
import { Progress } from './progress.js'
import { type Counts, describeCounts } from './tally.js'

interface SyncFlags extends OneRelayFlags {
  readonly dir: 'down' | 'up' | 'both'
}

const results = ['saved', 'duplicate', 'rejected', 'held', 'invalid', 'failed'] as const

/** `sync`: everything that one relay has, or lacks, once. */
export function syncCommand(): Command {
  return addOneRelayOptions(new Command(), 'made if it is not there, unless it is only sent from')
    .addOption(
      new Option('--dir <direction>', 'down: fetch; up: send; both: fetch, then send')
        .choices(['down', 'up', 'both'])
        .default('down'),
    )
    .option('--domains <list>', 'take only what a GRASP server of these domains takes', domainsOf)
    .option('--no-negentropy', 'page through everything, and send everything, instead of comparing first')
    .addHelpText('after', examples)
    .action((url: string, flags: SyncFlags) =>
      withOneRelay(url, flags, flags.dir === 'up' ? 'read' : 'write', async (parts) => {
        const { complete, counts } = await synced(parts, flags)
        if (flags.json === true)
          process.stdout.write(`${JSON.stringify({ relay: url, complete, ...counts })}\n`)
        else
          process.stdout.write(
            `${describeCounts(counts)}${complete ? '' : ', and not all of it came over'}\n`,
          )
        return complete
      }),
    )
}

const examples = `
A relay that does not answer is tried for 30 seconds; one that cannot be found, or has no valid certificate, only once.
Exits with 0 if everything of the filter came over, else with 1: something did not arrive, or the relay refused it.

Examples:
  $ ${programName} sync wss://relay.example --data ./events
  $ ${programName} sync wss://relay.example --data ./events --filter '{"kinds":[30617]}'
  $ ${programName} sync wss://relay.example --data ./events --dir both`

/** First down: what has just been fetched is not lacking there. */
async function synced(
  { env, store, intake, shot }: OneRelayParts,
  { dir, negentropy }: SyncFlags,
): Promise<{ readonly complete: boolean; readonly counts: Counts }> {
  let sent: Readonly<SinkStats> = { delivered: 0, refused: 0 }
  const from = { kind: 'relay', url: shot.url } as const
  const counts = (): Counts => ({
    ...(dir !== 'up' &&
      Object.fromEntries(results.map((result) => [result, intake.counts.of(from, result)]))),
    ...(dir !== 'down' && { sent: sent.delivered, refused: sent.refused }),
  })
  using _progress = new Progress(() => `syncing: ${describeCounts(counts())}`)
  const hasAll = dir === 'up' || (await fetchOnce(shot))
  if (dir !== 'down') {
    const { url, filters, connectWithin } = shot
    sent = await pushOnce({
      ...{ env, store, url, filters, connectWithin },
      negentropy: negentropy ? 'auto' : 'off',
      ...(shot.relay.signer && { signer: shot.relay.signer }),
      onAnswer: (stats) => (sent = stats),
    })
  }
  return { complete: hasAll && sent.refused === 0, counts: counts() }
}
