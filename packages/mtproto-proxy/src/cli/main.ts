import { runProgram } from '@holdfast/core/program'
import { programName } from './program-name.js'
import { version } from './version.js'
import { workerCommandName } from './workers/messages.js'

await runProgram({
  name: programName,
  description: 'A Telegram proxy whose clients do not notice that a connection to Telegram died',
  version,
  commands: {
    run: {
      about: 'run the proxy, or a half of one',
      load: async () => (await import('./run.js')).runCommand(),
    },
    init: {
      about: 'write a configuration to begin with, with a new secret and the address of this host',
      load: async () => (await import('./init.js')).initCommand(),
    },
    link: {
      about: 'print the links of every port, secret and mode',
      load: async () => (await import('./link.js')).linkCommand(),
    },
    check: {
      about: 'connect to a running proxy as clients do, ask every data centre, and say what fails',
      load: async () => (await import('./check/check.js')).checkCommand(),
    },
    secret: {
      about: 'make secrets',
      load: async () => (await import('./secret.js')).secretCommand(),
    },
    status: {
      about: 'say where a running proxy stands: clients, connections to Telegram, secrets, tables',
      load: async () => (await import('./status.js')).statusCommand(),
    },
    table: {
      about: 'change the tables that the policy looks into',
      load: async () => (await import('./table.js')).tableCommand(),
    },
    reload: {
      about: 'have a running proxy read its configuration again; a wrong one changes nothing',
      load: async () => (await import('./reload.js')).reloadCommand(),
    },
    restart: {
      about: 'have a proxy with workers replace them one generation by another; nobody is refused',
      load: async () => (await import('./restart.js')).restartCommand(),
    },
    certs: {
      about: 'make the certificates for the link between the halves of a split proxy',
      load: async () => (await import('./certs.js')).certsCommand(),
    },
    simulate: {
      about: 'run a proxy before an embedded Telegram, to try clients and operation without a network',
      load: async () => (await import('./simulate.js')).simulateCommand(),
    },
    demo: {
      about: 'show 200 clients staying while connections to an embedded Telegram die, and count them',
      load: async () => (await import('./demo/demo.js')).demoCommand(),
    },
    [workerCommandName]: {
      about: 'one process of run --workers, which alone starts it',
      hidden: true,
      load: async () => (await import('./workers/worker-command.js')).workerCommand(),
    },
  },
})
