import { packageVersion, runProgram } from '@holdfast/core/program'
import { programName } from './program-name.js'

await runProgram({
  name: programName,
  description: 'Tox conferences that persist: members freeze, thaw, rejoin, and hear what they missed',
  version: packageVersion(new URL('../../package.json', import.meta.url)),
  commands: {
    id: {
      about: 'print our Tox ID: others need it to make us their friend',
      load: async () => (await import('./id.js')).idCommand(),
    },
    profile: {
      about: 'make a profile, or take it from or to other Tox software',
      load: async () => (await import('./profile.js')).profileCommand(),
    },
    create: {
      about: 'create a conference in the profile, and print its identifier; friends are invited in `chat`',
      load: async () => (await import('./create.js')).createCommand(),
    },
    join: {
      about: 'wait for an invitation, take it up, and print the identifier once we are in',
      load: async () => (await import('./join.js')).joinCommand(),
    },
    chat: {
      about: 'chat on a terminal: who is here, who is frozen since when, what was said before; /help inside',
      load: async () => (await import('./chat/chat.js')).chatCommand(),
    },
    headless: {
      about: 'run without a terminal: commands as lines of JSON in, what happens as lines of JSON out',
      load: async () => (await import('./headless.js')).headlessCommand(),
    },
    status: {
      about: 'say who is in which conference: of a running program, or else of the profile',
      load: async () => (await import('./status.js')).statusCommand(),
    },
    simulate: {
      about:
        'try a conference of N peers in memory: a split into halves, then faults by chance; how long it takes to heal',
      load: async () => (await import('./simulate.js')).simulateCommand(),
    },
    demo: {
      about:
        'show five peers on real UDP ports: they die, drop out, fall apart and come back, and have missed nothing',
      load: async () => (await import('./demo/demo.js')).demoCommand(),
    },
  },
})
