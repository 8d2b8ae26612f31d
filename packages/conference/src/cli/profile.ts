import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AtomicFile } from '@holdfast/core/node'
import { CommandError } from '@holdfast/core/program'
import { Command } from 'commander'
import { readProfile } from '../profile/tox-profile.js'
import { cryptoReady } from '../tox/crypto/box.js'
import { toxId } from '../tox/crypto/tox-id.js'
import { freshProfile } from './open-client.js'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'

/** `profile`: makes, takes and gives Tox save files. */
export function profileCommand(): Command {
  const command = new Command().addHelpText('after', examples)
  const make = new Command('new')
    .description('make a profile of somebody new, and print its Tox ID')
    .option('--name <name>', 'what others see', '')
    .action(async ({ profile, name }: ProfileFlags & { name: string }) => {
      await cryptoReady
      await put(profile, freshProfile(name))
    })
  const take = new Command('import')
    .description('take the save file of another Tox program, conferences too')
    .argument('<file>')
    .action(async (file: string, { profile }: ProfileFlags) => put(profile, await bytesOf(file)))
  const give = new Command('export')
    .description('copy the profile to a save file for another Tox program')
    .argument('<file>')
    .action(async (file: string, { profile }: ProfileFlags) => put(file, await bytesOf(profile)))
  for (const each of [make, take, give]) command.addCommand(addProfileOption(each))
  return command
}

const examples = `
A profile is whoever has the file: keep it secret. Two programs must not use the same one at a time.

Examples:
  $ ${programName} profile new --name ada
  $ ${programName} profile import ~/.config/tox/tox_save.tox
  $ ${programName} profile export ./backup.tox`

/** Writes a profile where there is none. */
async function put(path: string, bytes: Uint8Array): Promise<void> {
  const { realKey, nospam } = readProfile(bytes)
  const file = new AtomicFile(path)
  if (await file.load()) throw new CommandError(`${path} is there already: move it away, or name another`)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await file.save(bytes)
  process.stdout.write(`${toxId({ realKey, nospam })}\n`)
}

/** A whole save file, or the end of the program. */
export async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const todo = `make a profile with \`${programName} profile new\`, or name another with --profile`
    throw new CommandError(`${path} cannot be read (${String(cause)}): ${todo}`, { cause })
  }
}
