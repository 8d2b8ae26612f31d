import { nodeEnv } from '@holdfast/core/node'
import { createLog, runService } from '@holdfast/core/service'
import { Command } from 'commander'
import { drain } from '../drain.js'
import { addTerminalOptions, type TerminalFlags } from '../network-options.js'
import { openConfigured } from '../open-client.js'
import { programName } from '../program-name.js'
import { quietHost } from '../quiet-host.js'
import { Room } from './room.js'
import { Screen } from './screen.js'

/** `chat`: conferences on a terminal. */
export function chatCommand(): Command {
  return addTerminalOptions(new Command())
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} chat --lan\n  $ ${programName} chat --bootstrap HOST:PORT:KEY --friend TOX_ID`,
    )
    .action(chat)
}

async function chat(flags: TerminalFlags): Promise<void> {
  const log = createLog({ name: programName, level: flags.logLevel })
  const env = nodeEnv({ name: programName, log })
  await runService({
    name: programName,
    log,
    host: quietHost,
    start: async () => {
      const client = await openConfigured(env, flags)
      const screen = new Screen(process.stdin, process.stdout)
      const room = new Room(client, screen)
      screen.onInterrupt(() => screen.close())
      room.begin()
      const finished = (async () => {
        for await (const line of screen.typed()) if (!room.typed(line)) break
      })()
      return {
        finished,
        drain: () => drain(client, env.clock),
        [Symbol.asyncDispose]: async () => {
          screen.close()
          await client.close()
        },
      }
    },
  })
}
