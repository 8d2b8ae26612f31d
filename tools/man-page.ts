/**
 * Writes the man page of the program of the package in the present folder, `man/PROGRAM.1`, from its own `--help` and
 * that of each of its commands. Run before the package is packed.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
  readonly description: string
  readonly bin: Readonly<Record<string, string>>
}

/** A part of a help text: what stands under `Options:`, or, without a title, what stands before all parts. */
interface Part {
  readonly title: string
  readonly lines: readonly string[]
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest

function partsOf(help: string): Part[] {
  const parts: { title: string; lines: string[] }[] = [{ title: '', lines: [] }]
  for (const line of help.split('\n')) {
    const title = /^([A-Z]\w+):$/.exec(line)?.[1]
    if (title !== undefined) parts.push({ title, lines: [] })
    else if (line.trim() !== '') parts.at(-1)?.lines.push(line)
  }
  return parts
}

/** What troff would take for a request, an escape or a hyphen, it prints instead. */
function quoted(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/, '\\&$1')
}

/** Terms and what they mean; a description may go on in lines that are indented further. */
function entriesOf(lines: readonly string[]): { term: string; meaning: string }[] {
  const entries: { term: string; meaning: string }[] = []
  for (const line of lines) {
    const [, term, meaning = ''] = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? []
    const last = entries.at(-1)
    if (term !== undefined) entries.push({ term, meaning })
    else if (last) last.meaning = `${last.meaning} ${line.trim()}`.trim()
  }
  return entries
}

function* roffOf({ title, lines }: Part): Iterable<string> {
  if (title === '') {
    const [usage = '', ...about] = lines
    yield `.PP\n.B ${quoted(usage.replace('Usage: ', ''))}\n.PP`
    yield quoted(about.join(' '))
    return
  }
  yield `.PP\n.B ${title}`
  if (title === 'Examples') yield `.PP\n.nf\n${lines.map((line) => quoted(line.trim())).join('\n')}\n.fi`
  else for (const { term, meaning } of entriesOf(lines)) yield `.TP\n.B ${quoted(term)}\n${quoted(meaning)}`
}

/** Where a default is in the home folder, the page says `~`. */
const env = { ...process.env, HOME: '~' }

function pageOf(name: string, program: string): string {
  const help = (path: readonly string[]): Part[] =>
    partsOf(execFileSync(process.execPath, [program, ...path, '--help'], { encoding: 'utf8', env }))
  const sections: string[] = []
  const describe = (path: readonly string[]): void => {
    const parts = help(path)
    const heading = path.length === 0 ? '.SH DESCRIPTION' : `.SS ${quoted(path.join(' '))}`
    sections.push([heading, ...parts.flatMap((part) => [...roffOf(part)])].join('\n'))
    if (path.length === 0) sections.push('.SH COMMANDS')
    const commands = entriesOf(parts.find(({ title }) => title === 'Commands')?.lines ?? [])
    for (const { term } of commands) {
      const [command = ''] = term.split(' ')
      if (command !== 'help') describe([...path, command])
    }
  }
  describe([])
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${manifest.version}" "User Commands"`,
    `.SH NAME\n${quoted(name)} \\- ${quoted(manifest.description)}`,
    `.SH SYNOPSIS\n.B ${quoted(name)}\n.I command\n.RI [ options ]`,
    ...sections,
    '',
  ].join('\n')
}

mkdirSync('man', { recursive: true })
for (const [name, program] of Object.entries(manifest.bin))
  writeFileSync(`man/${name}.1`, pageOf(name, program))
