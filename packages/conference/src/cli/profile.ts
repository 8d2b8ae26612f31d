import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AtomicFile } from '@holdfast/core/node'
import { CommandError } from '@holdfast/core/program'
import { Command, InvalidArgumentError } from 'commander'
import { newProfile, readProfile, type ToxProfile } from '../profile/tox-profile.js'
import { toxId } from '../tox/crypto/tox-id.js'
import { SaveFileError, whyUnread } from '../wire/errors.js'
import { maxNameBytes } from '../wire/packets.js'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'

/** `profile`: makes, takes and gives Tox save files. */
export function profileCommand(): Command {
  const command = new Command().addHelpText('after', examples)
  const make = new Command('new')
    .description('make a profile of somebody new, and print its Tox ID')
    .option('--name <name>', 'what others see', nameOf, '')
    .action(async ({ profile, name }: ProfileFlags & { name: string }) => {
      const nospam = randomBytes(4).readUInt32BE()
      await put(profile, newProfile({ secretKey: randomBytes(32), nospam, name }))
    })
  const take = new Command('import')
    .description('take the save file of another Tox program, conferences too')
    .argument('<file>')
    .action(async (file: string, { profile }: ProfileFlags) => {
      const todo = 'name a save file of Tox software that is not encrypted'
      const bytes = await bytesOf(file, todo)
      // Named by its own path, if it is none.
      profileOf(file, bytes)
      await put(profile, bytes)
    })
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

/** Checks a name: others drop what is longer. */
function nameOf(text: string): string {
  if (Buffer.byteLength(text) <= maxNameBytes) return text
  throw new InvalidArgumentError(`It must be at most ${maxNameBytes} bytes of UTF-8.`)
}

/** What the bytes of a save file say, or the end of the program. */
export function profileOf(path: string, bytes: Uint8Array): ToxProfile {
  try {
    return readProfile(bytes)
  } catch (cause) {
    if (!(cause instanceof SaveFileError)) throw cause
    throw new CommandError(`${path}: ${cause.message}`, { cause })
  }
}

const makeOne = `make a profile with \`${programName} profile new\`, or name another with --profile`

/** A whole save file, or the end of the program, with what to do. */
export async function bytesOf(path: string, ifMissing = makeOne): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CommandError(whyUnread(path, cause, ifMissing), { cause })
  }
}
