import { stat } from 'node:fs/promises'
import { nodeEnv } from '@holdfast/core/node'
import { exitCodes } from '@holdfast/core/program'
import { createLog } from '@holdfast/core/service'
import { Command } from 'commander'
import type { EventPlace } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import { startVerifier } from '../verify/verifier.js'
import { readEvent } from '../wire/event.js'
import { type EventLine, eventLines, mostShown } from './event-lines.js'
import { openExistingStore } from './existing-store.js'
import { programName } from './program-name.js'
import { Progress } from './progress.js'
import { Tally } from './tally.js'

const verdicts = ['valid', 'malformed', 'bad-id', 'bad-signature', 'unverified'] as const
const pageEvents = 500

/** `verify`: ids and signatures of a store or a file. */
export function verifyCommand(): Command {
  return new Command()
    .argument('<path>', 'directory of an event store, a file of lines of JSON, or - for standard input')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nShows the first ${mostShown} events that are wrong, and exits with 1 if there are any.\n\nExamples:\n  $ ${programName} verify ./events\n  $ ${programName} verify events.jsonl --json`,
    )
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { tally, bad } = await verify(path)
      const report =
        json === true
          ? JSON.stringify({ ...tally.toJSON(), bad })
          : [tally.describe(), ...bad.map((id) => `  ${id}`)].join('\n')
      process.stdout.write(`${report}\n`)
      const isSound = verdicts.every((verdict) => verdict === 'valid' || tally.of(verdict) === 0)
      process.exitCode = isSound ? exitCodes.ok : exitCodes.failure
    })
}

async function verify(path: string) {
  const env = nodeEnv({ name: programName, log: createLog({ name: programName, level: 'warn' }) })
  const tally = new Tally(...verdicts)
  const bad: string[] = []
  const note = (verdict: (typeof verdicts)[number], { line }: VerifiedLine, what: string): void => {
    tally.add(verdict)
    const where = line === null ? '' : `line ${line}: `
    if (verdict !== 'valid' && bad.length < mostShown) bad.push(`${where}${verdict}: ${what}`)
  }
  using _progress = new Progress(() => `verifying: ${tally.describe()}`)
  await using verifier = await startVerifier({ env })
  let pending = 0
  let tellDone: () => void = () => undefined
  for await (const each of path !== '-' && (await stat(path)).isDirectory()
    ? storedEvents(path)
    : eventLines(path)) {
    const { reading } = each
    if (reading.kind === 'malformed') {
      note('malformed', each, reading.why)
      continue
    }
    const { event } = reading
    pending++
    await submit(verifier, event, (verdict) => {
      note(verdict, each, event.id)
      if (--pending === 0) tellDone()
    })
  }
  if (pending > 0) await new Promise<void>((resolve) => (tellDone = resolve))
  return { tally, bad }
}

async function submit(verifier: Verifier, ...args: Parameters<Verifier['submit']>): Promise<void> {
  if (verifier.submit(...args) !== 'full') return
  await new Promise<void>((resolve) => {
    const off = verifier.onRoom(() => {
      off()
      resolve()
    })
  })
}

/** An event of a file, or one of a store, which has no lines. */
interface VerifiedLine extends Omit<EventLine, 'line'> {
  readonly line: number | null
}

async function* storedEvents(path: string): AsyncGenerator<VerifiedLine, void, undefined> {
  await using store = await openExistingStore(path)
  for (let after: EventPlace | null | undefined; after !== null; ) {
    const page = store.query({}, { limit: pageEvents, after: after ?? null })
    for (const event of page.events) yield { line: null, reading: readEvent(event) }
    after = page.next
  }
}
