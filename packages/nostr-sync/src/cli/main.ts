import { exitCodes } from '@holdfast/core/service'
import { Command } from 'commander'
import { diffCommand } from './diff.js'
import { exportCommand } from './export.js'
import { importCommand } from './import.js'
import { programName } from './program-name.js'
import { runCommand } from './run.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'
import { syncCommand } from './sync.js'
import { verifyCommand } from './verify.js'
import { version } from './version.js'

const program = new Command(programName)
  .description('Mirrors Nostr relays that come and go, and serves what it has as a relay')
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .configureOutput({ outputError: (text, write) => write(`${programName}: ${text}`) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))

for (const command of [
  runCommand(),
  serveCommand(),
  syncCommand(),
  diffCommand(),
  importCommand(),
  exportCommand(),
  verifyCommand(),
  statusCommand(),
])
  program.addCommand(command.copyInheritedSettings(program))

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has left.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
  throw error
})

await program.parseAsync()
