import { nodeEnv } from '@holdfast/core/node'
import { CommandError } from '@holdfast/core/program'
import { Command, InvalidArgumentError } from 'commander'
import { openKept } from '../client/kept.js'
import { conferences } from '../conferences/conferences.js'
import { conferenceMemories } from '../group/memory.js'
import { savedConferences } from '../group/save.js'
import { maxNameBytes } from '../wire/packets.js'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'

/** `create`: a conference with nobody else in it yet. */
export function createCommand(): Command {
  return addProfileOption(new Command())
    .option('--title <title>', 'its title', titleOf)
    .addHelpText('after', `\nExamples:\n  $ ${programName} create --title 'The bridge'`)
    .action((flags: ProfileFlags & { title?: string }) => create(flags))
}

function titleOf(text: string): string {
  const { length } = Buffer.from(text)
  if (length > 0 && length <= maxNameBytes) return text
  throw new InvalidArgumentError(`It must be 1 to ${maxNameBytes} bytes of UTF-8.`)
}

/** Without a network: a conference is there from the moment somebody has it. */
async function create({ profile, title }: ProfileFlags & { title?: string }): Promise<void> {
  const env = nodeEnv({ name: programName })
  const { store, messages } = await openKept({ profile, wall: () => env.clock.wall() })
  await using _ = messages
  const { memories } = store
  const nowhere = { want: none, release: none, send: none, sendLossy: none }
  using all = conferences({
    env,
    self: { realKey: store.profile.realKey, dhtKey: store.profile.realKey },
    links: nowhere,
  })
  all.do({ kind: 'restore', conferences: store.profile.conferences, memories })
  const number = all.create()
  if (number === null) throw new CommandError(`${profile} has too many conferences: leave one, in \`chat\``)
  if (title !== undefined) all.setTitle(number, title)
  await store.save({ conferences: savedConferences(all.machine) }, conferenceMemories(all.machine, false))
  process.stdout.write(`${all.get(number)?.identifier}\n`)
}

function none(): void {
  // There are no links.
}
