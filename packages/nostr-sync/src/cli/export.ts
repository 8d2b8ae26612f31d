import { Buffer } from 'node:buffer'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { CommandError } from '@holdfast/core/program'
import { Command } from 'commander'
import type { EventStore } from '../store/types.js'
import type { Filter } from '../wire/filter.js'
import { openExistingStore } from './existing-store.js'
import { filterOf } from './filter-option.js'
import { programName } from './program-name.js'
import { Progress } from './progress.js'

interface ExportFlags {
  readonly data: string
  readonly filter: Filter
  readonly json?: boolean
}

/** `export`: the store, or a part of it, as a file. */
export function exportCommand(): Command {
  return new Command()
    .argument('[file]', 'the file; - for standard output', '-')
    .requiredOption('-d, --data <dir>', 'directory of the event store')
    .option('-f, --filter <json>', 'only what matches this filter of NIP-01', filterOf, {})
    .option('--json', 'print the report as JSON, on standard error where events go to standard output')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} export events.jsonl --data ./events\n  $ ${programName} export --data ./events --filter '{"kinds":[30617]}'`,
    )
    .action(async (file: string, flags: ExportFlags) => {
      const exported = await exportTo(file, flags)
      const report = flags.json === true ? JSON.stringify({ exported }) : `${exported} exported`
      const to = file === '-' ? process.stderr : process.stdout
      to.write(`${report}\n`)
    })
}

async function exportTo(file: string, { data, filter }: ExportFlags): Promise<number> {
  await using store = await openExistingStore(data)
  const output = file === '-' ? process.stdout : createWriteStream(file)
  const failed = new Promise<never>((_, reject) => output.on('error', reject))
  failed.catch(() => undefined)
  const exported = await Promise.race([writeEvents(store, filter, output), failed])
  if (file === '-') return exported
  output.end()
  await finished(output)
  return exported
}

async function writeEvents(store: EventStore, filter: Filter, output: Writable): Promise<number> {
  const items = await store.items(filter)
  if (items === 'too-many') throw new CommandError('too many events')
  let exported = 0
  using _progress = new Progress(() => `exporting: ${exported} of ${items.size}`)
  for (let index = 0; index < items.size; index++) {
    const id = items.idAt(index)
    const event = store.get(Buffer.from(id.buffer, id.byteOffset, id.length).toString('hex'))
    // Deleted or replaced meanwhile.
    if (event === null) continue
    exported++
    if (!output.write(`${JSON.stringify(event)}\n`))
      await new Promise<void>((resolve) => output.once('drain', resolve))
  }
  return exported
}
