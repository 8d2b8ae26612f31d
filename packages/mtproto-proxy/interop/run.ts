import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@holdfast/core'
import { Scorecard } from '@holdfast/core/service'
import { fakeTelegram } from '../src/testing/index.js'
import { clientPackages } from './client-packages.js'
import { isIsolated, isolationFlags, runIsolated } from './isolation.js'
import { runScenario, scenarios } from './scenarios.js'
import { proxySubject, relaySubject } from './subjects.js'

const print = (line: string) => void process.stdout.write(`${line}\n`)

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    through: { type: 'string', default: 'proxy' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const nameOf = ({ client, transport }: (typeof scenarios)[number]): string => `${client}-${transport}`
const chosen = scenarios.filter(
  (scenario) => flags.only.length === 0 || flags.only.some((part) => nameOf(scenario).includes(part)),
)
if (flags.help || chosen.length === 0 || !['proxy', 'relay'].includes(flags.through)) {
  print('usage: pnpm interop:telegram [--only NAME]... [--through proxy|relay]\n')
  print(`  names: ${scenarios.map(nameOf).join(', ')}`)
  print('  relay: without our proxy, to see what a client and the embedded Telegram do by themselves')
  process.exit(flags.help ? 0 : 2)
}

const packages = await clientPackages(print)
if (!isIsolated()) {
  const how = await isolationFlags()
  if (how !== null) process.exit(await runIsolated(how, process.argv.slice(1)))
  print('this host allows no network namespaces: the clients may try to reach the real Telegram besides')
}

const directory = await mkdtemp(join(tmpdir(), 'holdfast-interop-run-'))
const card = new Scorecard({ out: process.stdout, clock: systemClock() })
{
  await using subject = await (flags.through === 'relay'
    ? fakeTelegram({ answers: 'mtproto' }).then(relaySubject)
    : proxySubject())
  for (const scenario of chosen) {
    await card.scenario(nameOf(scenario), `through the ${flags.through}`, () =>
      runScenario(scenario, { subject, packages, directory, card }),
    )
  }
}
await rm(directory, { recursive: true, force: true })
process.exit(card.finish() ? 0 : 1)
