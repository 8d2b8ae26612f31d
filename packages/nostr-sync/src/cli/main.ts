import { exitCodes, runProgram } from '@holdfast/core/program'
import { programName } from './program-name.js'
import { version } from './version.js'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read us has left: there is nothing to go on for.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
})

await runProgram({
  name: programName,
  description: 'Mirrors Nostr relays that come and go, and serves what it has as a relay',
  version,
  commands: {
    run: {
      about: 'mirror all relays that the stored repositories list, and serve a relay',
      load: async () => (await import('./run.js')).runCommand(),
    },
    serve: {
      about: 'serve a relay over the event store, without syncing',
      load: async () => (await import('./serve.js')).serveCommand(),
    },
    sync: {
      about: 'fetch what a relay has and the store has not, or send it what it lacks, and exit',
      load: async () => (await import('./sync.js')).syncCommand(),
    },
    diff: {
      about: 'compare a relay with the store, by negentropy, and fetch nothing',
      load: async () => (await import('./diff.js')).diffCommand(),
    },
    import: {
      about: 'check events of a file and store them: lines of JSON, one event each',
      load: async () => (await import('./import.js')).importCommand(),
    },
    export: {
      about: 'write stored events as lines of JSON, the oldest first',
      load: async () => (await import('./export.js')).exportCommand(),
    },
    verify: {
      about: 'check ids and signatures of all events in a store or a file',
      load: async () => (await import('./verify.js')).verifyCommand(),
    },
    status: {
      about: 'say what a running program is doing: clients, events, and the relays that are mirrored',
      load: async () => (await import('./status.js')).statusCommand(),
    },
    demo: {
      about: 'show a mirror of two relays on real sockets: they go away and come back, and nothing is missed',
      load: async () => (await import('./demo/demo.js')).demoCommand(),
    },
  },
})
