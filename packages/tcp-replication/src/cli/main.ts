import { runProgram } from '@holdfast/core/service'
import { appendCommand } from './append.js'
import { demoCommand } from './demo/demo.js'
import { probeCommand } from './probe.js'
import { programName } from './program-name.js'
import { relayCommand } from './relay.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'
import { tailCommand } from './tail.js'
import { version } from './version.js'

await runProgram({
  name: programName,
  description: "Matrix Synapse's TCP replication: serve, follow and relay streams that resume from a token",
  version,
  commands: [
    serveCommand(),
    appendCommand(),
    tailCommand(),
    relayCommand(),
    statusCommand(),
    probeCommand(),
    demoCommand(),
  ],
})
