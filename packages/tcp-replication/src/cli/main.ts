import { packageVersion, runProgram } from '@holdfast/core/program'
import { programName } from './program-name.js'

await runProgram({
  name: programName,
  description: "Matrix Synapse's TCP replication: serve, follow and relay streams that resume from a token",
  version: packageVersion(new URL('../../package.json', import.meta.url)),
  commands: {
    serve: {
      about: 'serve an append log to any number of clients',
      load: async () => (await import('./serve.js')).serveCommand(),
    },
    append: {
      about: 'append rows to the log of a running server',
      load: async () => (await import('./append.js')).appendCommand(),
    },
    tail: {
      about: 'print the rows of streams as they come, across lost connections and restarts',
      load: async () => (await import('./tail.js')).tailCommand(),
    },
    relay: {
      about: 'follow a server, and serve what comes from it to any number of clients',
      load: async () => (await import('./relay.js')).relayCommand(),
    },
    status: {
      about: 'say where a running server or relay stands: connections, positions, lag',
      load: async () => (await import('./status.js')).statusCommand(),
    },
    probe: {
      about: 'say what answers on a port: replication and in which dialect, or what else',
      load: async () => (await import('./probe.js')).probeCommand(),
    },
    demo: {
      about:
        'show a replication session that survives real outages on real sockets, and count what was promised',
      load: async () => (await import('./demo/demo.js')).demoCommand(),
    },
  },
})
