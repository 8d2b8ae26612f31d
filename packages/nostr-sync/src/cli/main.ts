import { exitCodes, runProgram } from '@holdfast/core/service'
import { demoCommand } from './demo/demo.js'
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

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has left: there is nothing to go on for.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
})

await runProgram({
  name: programName,
  description: 'Mirrors Nostr relays that come and go, and serves what it has as a relay',
  version,
  commands: [
    runCommand(),
    serveCommand(),
    syncCommand(),
    diffCommand(),
    importCommand(),
    exportCommand(),
    verifyCommand(),
    statusCommand(),
    demoCommand(),
  ],
})
