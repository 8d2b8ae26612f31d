import { exitCodes } from '@holdfast/core/service'
import { Command } from 'commander'
import { certsCommand } from './certs.js'
import { checkCommand } from './check/check.js'
import { demoCommand } from './demo/demo.js'
import { initCommand } from './init.js'
import { linkCommand } from './link.js'
import { programName } from './program-name.js'
import { reloadCommand } from './reload.js'
import { restartCommand } from './restart.js'
import { runCommand } from './run.js'
import { secretCommand } from './secret.js'
import { simulateCommand } from './simulate.js'
import { statusCommand } from './status.js'
import { tableCommand } from './table.js'
import { version } from './version.js'
import { workerCommand } from './workers/worker-command.js'

const program = new Command(programName)
  .description('A Telegram proxy whose clients do not notice that a connection to Telegram died')
  .version(version)
  .showHelpAfterError('(add --help for what there is)')
  .configureOutput({ outputError: (text, write) => write(`${programName}: ${text}`) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))

for (const command of [
  runCommand(),
  initCommand(),
  linkCommand(),
  checkCommand(),
  secretCommand(),
  statusCommand(),
  tableCommand(),
  reloadCommand(),
  restartCommand(),
  certsCommand(),
  simulateCommand(),
  demoCommand(),
]) {
  for (const each of [command, ...command.commands]) each.copyInheritedSettings(program)
  program.addCommand(command)
}
program.addCommand(workerCommand(), { hidden: true })

await program.parseAsync()
