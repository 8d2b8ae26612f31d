import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@holdfast/core'
import { Scorecard } from '@holdfast/core/service'
import { probeFinds } from './scenarios/probe-finds.js'
import { relayStandsBetween } from './scenarios/relay-stands-between.js'
import type { Scenario } from './scenarios/scenario.js'
import { tailFollowsMain } from './scenarios/tail-follows-main.js'
import { tailFollowsRedis } from './scenarios/tail-follows-redis.js'
import { workerFollowsServe } from './scenarios/worker-follows-serve.js'
import { installSynapse } from './synapse/synapse-installation.js'

const direct = ['1.4.0', '1.66.0'] as const
const overRedis = ['1.66.0', '1.163.2'] as const
const scenarios: readonly Scenario[] = [
  ...[tailFollowsMain, relayStandsBetween, probeFinds].flatMap((make) => direct.map(make)),
  ...overRedis.map(tailFollowsRedis),
  workerFollowsServe('1.66.0'),
]
const print = (line: string) => void process.stdout.write(`${line}\n`)

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    version: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const chosen = scenarios.filter(
  ({ name, version }) =>
    (flags.only.length === 0 || flags.only.some((part) => name.includes(part))) &&
    (flags.version === undefined || flags.version === version),
)
if (flags.help || chosen.length === 0) {
  print('usage: pnpm interop:synapse [--only NAME]... [--version 1.4.0|1.66.0|1.163.2] [--keep]\n')
  for (const { name, about } of scenarios) print(`  ${name.padEnd(15)} ${about}`)
  process.exit(flags.help ? 0 : 2)
}

const directory = await mkdtemp(join(tmpdir(), 'holdfast-interop-run-'))
const score = new Scorecard({ out: process.stdout, clock: systemClock() })
for (const scenario of chosen) {
  const { name, about, version } = scenario
  await score.scenario(name, about, async () => {
    const installation = await installSynapse(version, print)
    await scenario.run({ directory: join(directory, name), installation, score })
  })
}
const held = score.finish()
if (flags.keep || !held) print(`Logs and databases are in ${directory}.`)
else await rm(directory, { recursive: true, force: true })
process.exit(held ? 0 : 1)
