import { nodeEnv } from '@holdfast/core/node'
import { exitCodes } from '@holdfast/core/program'
import { createLog, loadConfig, OpenedThings } from '@holdfast/core/service'
import { Command } from 'commander'
import { z } from 'zod'
import type { RejectReason } from '../admission/types.js'
import { eventIntake } from '../intake/intake.js'
import { resultOf } from '../intake/result-of.js'
import type { Intake, IntakeOutcome } from '../intake/types.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { startVerifier } from '../verify/verifier.js'
import type { NostrEvent } from '../wire/event.js'
import { admissionOf } from './admission-of.js'
import { servingFields } from './config.js'
import { eventLines, mostShown } from './event-lines.js'
import { programName, variablePrefix } from './program-name.js'
import { Progress } from './progress.js'
import { Tally } from './tally.js'

interface ImportFlags {
  readonly config?: string
  readonly data?: string
  readonly domains?: string
  readonly json?: boolean
}

const results = ['saved', 'duplicate', 'rejected', 'held', 'invalid', 'failed'] as const
/** Reasons that another event may do away with. */
const lacking: ReadonlySet<RejectReason> = new Set([
  'does-not-list-service',
  'no-announcement',
  'not-authorised',
  'orphan',
])
type Results = Tally<(typeof results)[number]>

interface Imported {
  readonly tally: Results
  /** The first invalid lines. */
  readonly bad: readonly string[]
}

/** `import`: events of a file, into the store. */
export function importCommand(): Command {
  return new Command()
    .argument('[file]', 'the file; - for standard input', '-')
    .option('-c, --config <file>', 'configuration of serve, JSON or TOML')
    .option('-d, --data <dir>', 'directory of the event store; made if it is not there')
    .option('--domains <list>', 'take only what a GRASP server of these domains takes')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(async (file: string, flags: ImportFlags) => {
      const { tally, bad } = await importFile(file, flags)
      const report =
        flags.json === true
          ? JSON.stringify({ ...tally.toJSON(), bad })
          : [tally.describe(), ...bad.map((each) => `  ${each}`)].join('\n')
      process.stdout.write(`${report}\n`)
      process.exitCode = tally.of('failed') > 0 ? exitCodes.failure : exitCodes.ok
    })
}

const examples = `
Shows the first ${mostShown} lines that are no valid event; the others are stored, and only what could not be stored is a failure: 1.
The store must not be open elsewhere: stop what serves it, or publish the events to that.

Examples:
  $ ${programName} import events.jsonl --data ./events
  $ strfry export | ${programName} import --data ./events`

async function importFile(
  file: string,
  { config: configFile, data, domains, json }: ImportFlags,
): Promise<Imported> {
  const config = await loadConfig({
    schema: z.strictObject(servingFields),
    prefix: variablePrefix,
    file: configFile,
    env: process.env,
    flags: { data, domains },
  })
  const env = nodeEnv({ name: programName, log: createLog({ name: programName, level: 'warn', json }) })
  const opened = new OpenedThings()
  try {
    const store = opened.add(await openLmdbStore({ path: config.data }))
    const verifier = opened.add(await startVerifier({ env }))
    const intake = opened.add(eventIntake({ env, store, verifier, policy: admissionOf(config) }))
    let saved = 0
    // Counted there: an orphan that is saved once its parent has come was told to be rejected before.
    intake.onSaved((events) => (saved += events.length))
    for (let before = -1; ; ) {
      const { tally, bad, orphans } = await importOnce(file, intake)
      // What came before its parent is acceptable in the next pass.
      if (file === '-' || orphans === 0 || saved === before) return { tally: withSaved(tally, saved), bad }
      before = saved
    }
  } finally {
    await opened.close()
  }
}

/** Of those that the last pass found to be known, we have saved some ourselves. */
function withSaved(tally: Results, saved: number): Results {
  const more = saved - tally.of('saved')
  tally.add('saved', more)
  tally.add('duplicate', -Math.min(more, tally.of('duplicate')))
  return tally
}

/** @returns also how many were rejected for want of another event */
async function importOnce(file: string, intake: Intake): Promise<Imported & { readonly orphans: number }> {
  const tally: Results = new Tally(...results)
  const bad: string[] = []
  let orphans = 0
  const refuse = (line: number, why: string): void => {
    if (bad.length < mostShown) bad.push(`line ${line}: ${why}`)
  }
  const note = (outcome: IntakeOutcome, line: number): void => {
    tally.add(resultOf(outcome))
    if (outcome.kind === 'invalid') refuse(line, outcome.why)
    if (outcome.kind === 'rejected' && lacking.has(outcome.reason)) orphans++
  }
  using _progress = new Progress(() => `importing: ${tally.describe()}`)
  for await (const { line, reading } of eventLines(file)) {
    if (reading.kind === 'event') await offer(intake, reading.event, (outcome) => note(outcome, line))
    else {
      tally.add('invalid')
      refuse(line, reading.why)
    }
  }
  await intake.settled()
  return { tally, bad, orphans }
}

/** Waits for room when there is none. */
async function offer(
  intake: Intake,
  event: NostrEvent,
  done: (outcome: IntakeOutcome) => void,
): Promise<void> {
  if (intake.offer(event, { kind: 'file' }, done) === 'taken') return
  await new Promise<void>((resolve) => {
    const off = intake.onRoom(() => {
      off()
      resolve()
    })
  })
}
