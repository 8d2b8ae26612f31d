import { exitCodes } from '@holdfast/core/service'
import { Command } from 'commander'
import { appendCommand } from './append.js'
import { demoCommand } from './demo/demo.js'
import { probeCommand } from './probe.js'
import { programName } from './program-name.js'
import { relayCommand } from './relay.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'
import { tailCommand } from './tail.js'
import { version } from './version.js'

const program = new Command(programName)
  .description("Matrix Synapse's TCP replication: serve, follow and relay streams that resume from a token")
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .configureOutput({ outputError: (text, write) => write(`${programName}: ${text}`) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))

for (const command of [
  serveCommand(),
  appendCommand(),
  tailCommand(),
  relayCommand(),
  statusCommand(),
  probeCommand(),
  demoCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program))
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has left; `append`, for one, goes on with what it was given.
  if (error.code !== 'EPIPE') throw error
})

await program.parseAsync()
