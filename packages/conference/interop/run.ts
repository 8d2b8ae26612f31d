import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@holdfast/core'
import { Scorecard } from '@holdfast/core/service'
import { buildRealPeer, toxcoreVersion } from '../test/support/real-peer.js'
import { scenarios } from './scenarios.js'

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
const card = new Scorecard({ out: process.stdout, clock: systemClock() })
try {
  print(`libtoxcore ${await toxcoreVersion()}, Node.js ${process.versions.node}`)
  const path = await buildRealPeer(directory)
  for (const scenario of chosen) {
    await card.scenario(scenario.name, scenario.about, () => scenario.run({ program: path, card }))
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
process.exit(card.finish() ? 0 : 1)
