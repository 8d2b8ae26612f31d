import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildRealPeer } from './real-peer.js'
import { scenarios } from './scenarios.js'
import { Scorecard } from './scorecard.js'

const print = (line: string) => void process.stdout.write(`${line}\n`)

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const chosen = scenarios.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name))
if (flags.help || chosen.length === 0) {
  print('usage: pnpm interop:tox [--only NAME]...\n')
  for (const { name, about } of scenarios) print(`  ${name.padEnd(10)} ${about}`)
  process.exit(flags.help ? 0 : 2)
}

const directory = await mkdtemp(join(tmpdir(), 'holdfast-interop-tox-'))
const card = new Scorecard(print)
try {
  const { path, version } = await buildRealPeer(directory)
  print(`libtoxcore ${version}, Node.js ${process.versions.node}`)
  for (const scenario of chosen) {
    print(`\n${scenario.name}: ${scenario.about}`)
    await scenario.run({ program: path, card }).catch((error: unknown) => card.failed(error))
  }
} catch (error) {
  card.failed(error)
} finally {
  await rm(directory, { recursive: true, force: true })
}
print(
  `\n${card.broken === 0 ? 'All promises were kept' : 'A PROMISE WAS BROKEN'}: ${card.kept} kept, ${card.broken} broken.`,
)
process.exit(card.broken === 0 ? 0 : 1)
