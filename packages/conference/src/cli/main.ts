import { runProgram } from '@holdfast/core/service'
import { chatCommand } from './chat/chat.js'
import { createCommand } from './create.js'
import { demoCommand } from './demo/demo.js'
import { headlessCommand } from './headless.js'
import { idCommand } from './id.js'
import { joinCommand } from './join.js'
import { profileCommand } from './profile.js'
import { programName } from './program-name.js'
import { simulateCommand } from './simulate.js'
import { statusCommand } from './status.js'
import { version } from './version.js'

await runProgram({
  name: programName,
  description: 'Tox conferences that persist: members freeze, thaw, rejoin, and hear what they missed',
  version,
  commands: [
    idCommand(),
    profileCommand(),
    createCommand(),
    joinCommand(),
    chatCommand(),
    headlessCommand(),
    statusCommand(),
    simulateCommand(),
    demoCommand(),
  ],
})
