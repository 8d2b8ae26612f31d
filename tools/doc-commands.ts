/**
 * Holds the documentation to its commands, in README.md, docs and the packages' READMEs:
 *
 * - Every `holdfast-…` line of a `sh` or `text` block must name a command and options that the program's own help has.
 * - The `sh` blocks of a page are run, one after the other, in an empty folder with our programs in the path. A command
 *   must succeed; after it, `#=> TEXT` holds its output to contain that text.
 * - A block opened with `sh background` is what one leaves running in another terminal: the page goes on once it has
 *   said something, and it is told to end, by SIGTERM, with the page.
 *
 * `pnpm check:commands [PAGE …]`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

interface Block {
  readonly origin: string
  readonly language: string
  readonly isBackground: boolean
  readonly lines: readonly string[]
}

const problems: string[] = []

function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8')
  return [...text.matchAll(/^```(?<language>\w+)(?<flags>[^\n]*)\n(?<body>[\s\S]*?)^```/gm)].map((match) => {
    const { language = '', flags = '', body = '' } = match.groups ?? {}
    const origin = `${page}:${text.slice(0, match.index).split('\n').length}`
    const lines = body.replaceAll(/\\\n\s*/g, '').split('\n')
    return { origin, language, isBackground: flags.includes('background'), lines }
  })
}

function markdownIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

const programs = new Map(
  readdirSync('packages').flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8')) as {
      bin?: Readonly<Record<string, string>>
    }
    return Object.entries(manifest.bin ?? {}).map(([program, path]): [string, string] => [
      program,
      resolve('packages', name, path),
    ])
  }),
)

const helps = new Map<string, string>()

function helpOf(program: string, ...path: string[]): string {
  const key = [program, ...path].join(' ')
  const known = helps.get(key)
  if (known !== undefined) return known
  const help = execFileSync(programs.get(program) ?? program, [...path, '--help'], { encoding: 'utf8' })
  helps.set(key, help)
  return help
}

/** The commands and options that the line names, and its program does not have. */
function* unknownIn(line: string): Iterable<string> {
  const [program = '', ...words] =
    line
      .replace(/^\$ /, '')
      .split(/ +(?:#|=>|&&|[|>&]).*| {2,}/)[0]
      ?.split(' ') ?? []
  if (!programs.has(program)) return
  const has = (help: string, pattern: string): boolean =>
    new RegExp(`^ {2}${pattern}(?![\\w-])`, 'm').test(help)
  const path: string[] = []
  while (words[0] !== undefined && /^[a-z][\w-]*$/.test(words[0]) && has(helpOf(program, ...path), words[0]))
    path.push(words.shift() ?? '')
  const help = helpOf(program, ...path)
  if (path.length === 0 && words[0] !== undefined && !words[0].startsWith('-')) yield words[0]
  for (const option of words.filter((word) => /^--?[a-z]/.test(word))) {
    const [name = ''] = option.split('=')
    if (!has(help, `(?:-\\w, )?${name}`)) yield name
  }
}

/** A folder with our programs in it, to be put into the path. */
function installPrograms(folder: string): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const [program, path] of programs) {
    writeFileSync(join(bin, program), `#!/bin/sh\nexec '${path}' "$@"\n`)
    chmodSync(join(bin, program), 0o755)
  }
  return bin
}

interface Session {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

async function run({ origin, lines }: Block, { cwd, env }: Session): Promise<void> {
  let output = ''
  for (const line of lines) {
    const expected = /^#=> (.*)/.exec(line)?.[1]
    if (expected !== undefined && !output.includes(expected))
      problems.push(`${origin}: expected ${expected}, got ${output.slice(-500)}`)
    if (line.startsWith('#') || line.trim() === '') continue
    const child = spawn('bash', ['-o', 'pipefail', '-c', line], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const late = setTimeout(() => child.kill('SIGKILL'), 120_000)
    const [status] = (await once(child, 'close')) as [number | null]
    clearTimeout(late)
    if (status !== 0) problems.push(`${origin}: ${line}\n    exits with ${status}: ${output.slice(-500)}`)
  }
}

/** Starts what stays, and waits until it has said something. */
async function start({ origin, lines }: Block, { cwd, env }: Session): Promise<ChildProcess> {
  const command = lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n')
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const said = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        resolve()
      })
  })
  const ended = once(child, 'exit').then(([status, signal]) => {
    if (status !== 0 && signal === null)
      problems.push(`${origin}: ${command}\n    exits with ${String(status)}: ${output.slice(-500)}`)
  })
  await Promise.race([said, ended])
  return child
}

async function runPage(blocks: readonly Block[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'))
  const cwd = join(folder, 'work')
  mkdirSync(cwd)
  const env = { ...process.env, PATH: `${installPrograms(folder)}:${process.env['PATH'] ?? ''}` }
  const running: ChildProcess[] = []
  try {
    for (const block of blocks) {
      if (block.isBackground) running.push(await start(block, { cwd, env }))
      else await run(block, { cwd, env })
    }
  } finally {
    for (const child of running.reverse()) {
      if (child.exitCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(late)
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

const asked = process.argv.slice(2)
const everything = [
  '.',
  'docs',
  'docs/how-to',
  ...readdirSync('packages').map((name) => join('packages', name)),
]
const pages = asked.length > 0 ? asked : everything.flatMap(markdownIn)
let count = 0
for (const page of pages) {
  const blocks = blocksOf(page).filter(({ language }) => ['sh', 'text'].includes(language))
  for (const { origin, lines } of blocks)
    for (const line of lines) {
      if (/^(?:\$ )?holdfast-/.test(line)) count += 1
      for (const unknown of unknownIn(line)) problems.push(`${origin}: there is no ${unknown} in: ${line}`)
    }
  const session = blocks.filter(({ language }) => language === 'sh')
  if (session.length === 0) continue
  const before = problems.length
  await runPage(session)
  console.log(`${page}: ${session.length} blocks ${problems.length === before ? 'ran' : 'ran, not well'}`)
}
console.log(`${count} lines name commands and options that are there`)
if (problems.length > 0) {
  console.error(`the documentation is wrong:\n  ${problems.join('\n  ')}`)
  process.exitCode = 1
}
