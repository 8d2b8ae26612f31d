import { Command } from 'commander'
import { compareOnce } from '../relay/one-shot.js'
import { addOneRelayOptions, type OneRelayFlags, withOneRelay } from './one-relay.js'
import { programName } from './program-name.js'

/** `diff`: what one relay has and we have not, and the other way round. */
export function diffCommand(): Command {
  return addOneRelayOptions(new Command())
    .addHelpText('after', examples)
    .action((url: string, flags: OneRelayFlags) =>
      withOneRelay(url, { ...flags, negentropy: true }, 'read', async ({ shot }) => {
        const { need, have } = await compareOnce(shot)
        if (flags.json === true) process.stdout.write(`${JSON.stringify({ relay: url, need, have })}\n`)
        else {
          for (const id of need) process.stdout.write(`+ ${id}\n`)
          for (const id of have) process.stdout.write(`- ${id}\n`)
        }
        return need.length + have.length === 0
      }),
    )
}

const examples = `
Prints ids: those that only the relay has after a +, those that only the store has after a -.
A relay that does not answer is tried for 30 seconds; one that cannot be found, or has no valid certificate, only once.
Exits with 0 if there are none, else with 1.

Examples:
  $ ${programName} diff wss://relay.example --data ./events
  $ ${programName} diff wss://relay.example --data ./events --filter '{"kinds":[30617]}' --json`
