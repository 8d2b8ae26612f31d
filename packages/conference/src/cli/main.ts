import { exitCodes } from '@holdfast/core/service'
import { Command } from 'commander'
import { chatCommand } from './chat/chat.js'
import { createCommand } from './create.js'
import { demoCommand } from './demo/demo.js'
import { headlessCommand } from './headless.js'
import { idCommand } from './id.js'
import { joinCommand } from './join.js'
import { profileCommand } from './profile.js'
import { programName } from './program-name.js'
import { simulateCommand } from './simulate.js'
import { statusCommand } from './status.js'
import { version } from './version.js'

const program = new Command(programName)
  .description('Tox conferences that persist: members freeze, thaw, rejoin, and hear what they missed')
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .configureOutput({ outputError: (text, write) => write(`${programName}: ${text}`) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))

for (const command of [
  idCommand(),
  profileCommand(),
  createCommand(),
  joinCommand(),
  chatCommand(),
  headlessCommand(),
  statusCommand(),
  simulateCommand(),
  demoCommand(),
]) {
  // Subcommands of subcommands, too.
  for (const each of [command, ...command.commands]) each.copyInheritedSettings(program)
  program.addCommand(command)
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has left.
  if (error.code !== 'EPIPE') throw error
})

await program.parseAsync()
