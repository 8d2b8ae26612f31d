import { nodeEnv } from '@holdfast/core/node'
import { createLog, runService } from '@holdfast/core/service'
import { Command, Option } from 'commander'
import type { ToxClient } from '../client/tox-client.js'
import { listenTo } from '../conferences/listen-to.js'
import type { RealKey } from '../wire/identity.js'
import { friendKey } from './addresses.js'
import { drain } from './drain.js'
import { addTerminalOptions, type TerminalFlags } from './network-options.js'
import { openConfigured } from './open-client.js'
import { programName } from './program-name.js'
import { quietHost } from './quiet-host.js'

interface JoinFlags extends TerminalFlags {
  readonly from?: RealKey
}

/** `join`: takes up an invitation. */
export function joinCommand(): Command {
  return addTerminalOptions(new Command())
    .addOption(new Option('--from <id>', 'take it from this friend only').argParser(friendKey))
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} join --lan\n  $ ${programName} join --from TOX_ID --friend TOX_ID --lan`,
    )
    .action(join)
}

async function join(flags: JoinFlags): Promise<void> {
  const log = createLog({ name: programName, level: flags.logLevel })
  const env = nodeEnv({ name: programName, log })
  await runService({
    name: programName,
    log,
    host: quietHost,
    start: async () => {
      const client = await openConfigured(env, flags)
      process.stderr.write(`${programName}: waiting for an invitation to ${client.node.toxId}\n`)
      return {
        finished: joined(client, flags.from),
        drain: () => drain(client, env.clock),
        [Symbol.asyncDispose]: () => client.close(),
      }
    },
  })
}

function joined({ conferences }: ToxClient, from: RealKey | undefined): Promise<void> {
  return new Promise((resolve) => {
    listenTo(conferences.events$, (news) => {
      if (news.kind === 'invited' && (from === undefined || news.from === from)) {
        conferences.accept(news.from, news.identifier)
      } else if (news.kind === 'connected') {
        process.stdout.write(`${conferences.get(news.conference)?.identifier}\n`)
        resolve()
      }
    })
  })
}
