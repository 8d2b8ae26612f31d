import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { variablePrefix } from './program-name.js'

/** Which profile a command works on. */
export interface ProfileFlags {
  readonly profile: string
}

/** Where the profile is unless somebody says otherwise. */
export const defaultProfile = join(homedir(), '.config', 'tox', 'holdfast.tox')

/** Adds `--profile`, for commands that have no configuration. */
export function addProfileOption(command: Command): Command {
  return command.addOption(
    new Option('-p, --profile <file>', 'the Tox save file')
      .env(`${variablePrefix}_PROFILE`)
      .default(defaultProfile),
  )
}
