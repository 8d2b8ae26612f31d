import { Command } from 'commander'
import type { ToxProfile } from '../profile/tox-profile.js'
import { toxId } from '../tox/crypto/tox-id.js'
import { bytesOf, profileOf } from './profile.js'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'

/** `id`: by what others make us their friend. */
export function idCommand(): Command {
  return addProfileOption(new Command())
    .option('--key', 'print the public key alone')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} id\n  $ ${programName} id --profile ./bot.tox --key`,
    )
    .action(async ({ profile, key }: ProfileFlags & { key?: boolean }) => {
      const { realKey, nospam } = await profileAt(profile)
      process.stdout.write(`${key === true ? realKey : toxId({ realKey, nospam })}\n`)
    })
}

/** What the profile says, or the end of the program. */
export async function profileAt(path: string): Promise<ToxProfile> {
  return profileOf(path, await bytesOf(path))
}
