import { runProgram } from '@holdfast/core/program'
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

await runProgram({
  name: programName,
  description: 'A Telegram proxy whose clients do not notice that a connection to Telegram died',
  version,
  commands: [
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
  ],
  hidden: [workerCommand()],
})
