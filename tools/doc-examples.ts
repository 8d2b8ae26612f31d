/**
 * Turns the examples in the documentation into files that `tsc` checks and `vitest` runs.
 *
 * Every fenced `ts` block in a package's Markdown files and doc comments becomes one module in
 * `packages/<name>/doc-examples`, with a test that imports it; those of README.md and docs/*.md go to the first
 * package that can import what they import. In it, `expression // => value` asserts that the two are equal; the
 * expression may have begun some lines before. A block opened with `ts no-run` is checked but not run; one opened
 * with `ts ignore` is left alone.
 *
 * `--commands` also prints every command of the `sh` and `bash` blocks. That scripts named there exist is checked
 * each time.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withAssertions } from './doc-assertions.js'

interface Block {
  /** Where the block starts, as `path:line`. */
  readonly origin: string
  readonly language: string
  readonly flags: string
  readonly body: string
}

const fence =
  /^(?<margin>[ \t]*(?:\*[ \t])?[ \t]*)```(?<language>\w+)(?<flags>[ \t][^\n]*)?\n(?<body>[\s\S]*?)^[ \t]*(?:\*[ \t])?[ \t]*```/gm

function blocksIn(path: string): Block[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(fence)].map((match) => {
    const { margin = '', language = '', flags = '', body = '' } = match.groups ?? {}
    const lines = body
      .split('\n')
      .map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.replace(/^\s*\*?\s?/, '')))
    const line = text.slice(0, match.index).split('\n').length
    return { origin: `${path}:${line}`, language, flags, body: lines.join('\n') }
  })
}

function pagesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((path) => path.endsWith('.md'))
    .map((path) => join(folder, path))
    .sort()
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
    .sort()
}

interface Manifest {
  readonly name?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The first package from which everything that the block imports of this repository can be imported. */
function homeOf({ origin, body }: Block): string {
  const imported = [...body.matchAll(/from '(@holdfast\/[\w-]+)/g)].map(([, name = '']) => name)
  const home = ['core', ...packages].find((name) => {
    const { name: own = '', dependencies = {} } = manifestOf(join('packages', name))
    return imported.every((each) => each === own || each in dependencies)
  })
  if (home === undefined) throw new Error(`${origin}: no package can import all of ${imported.join(', ')}`)
  return home
}

/** The commands of a shell block; comments and output are not. */
function commandsOf({ origin, body }: Block): string[] {
  const commands = body
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => /^[a-z]/.test(line))
  const { scripts = {} } = manifestOf('.')
  for (const command of commands) {
    const script = /^(?:npx --yes )?pnpm(?:@[\d.]+)? (?<script>[a-z][\w:]*)/.exec(command)?.groups?.['script']
    if (script !== undefined && !(script in scripts) && !pnpmCommands.includes(script))
      throw new Error(`${origin}: there is no script ${script}`)
  }
  return commands.map((command) => `${origin}: ${command}`)
}

const pnpmCommands = ['add', 'install', 'exec', 'deploy', 'pack', 'change', 'version']

/** Writes what has changed and removes what is no longer there, so that a run under way is disturbed little. */
function writeFolder(folder: string, files: ReadonlyMap<string, string>): void {
  if (files.size > 0) mkdirSync(folder, { recursive: true })
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!files.has(name)) rmSync(join(folder, name))
  }
  for (const [name, text] of files) {
    const path = join(folder, name)
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
  }
}

function filesOf(examples: readonly Block[]): Map<string, string> {
  const files = new Map<string, string>()
  const tests = examples.map(({ origin, flags, body }, index) => {
    const code = withAssertions(origin, body)
    files.set(`example-${index}.ts`, `// ${origin}\nimport { expect } from 'vitest'\nvoid expect\n\n${code}`)
    const test = flags.includes('no-run') ? 'test.skip' : 'test'
    return `${test}('${origin}', async () => {\n  await import('./example-${index}.js')\n})\n`
  })
  if (tests.length > 0) files.set('examples.test.ts', `import { test } from 'vitest'\n\n${tests.join('\n')}`)
  return files
}

const packages = readdirSync('packages').sort()
const common = [...pagesIn('.'), ...pagesIn('docs')].flatMap(blocksIn)
const own = packages.map((name) => {
  const folder = join('packages', name)
  return { name, blocks: [...pagesIn(folder), ...sourcesIn(join(folder, 'src'))].flatMap(blocksIn) }
})
const isExample = ({ language, flags }: Block): boolean => language === 'ts' && !flags.includes('ignore')

for (const { name, blocks } of own) {
  const shared = common.filter((block) => isExample(block) && homeOf(block) === name)
  writeFolder(join('packages', name, 'doc-examples'), filesOf([...blocks.filter(isExample), ...shared]))
}

const commands = [...common, ...own.flatMap(({ blocks }) => blocks)]
  .filter(({ language }) => language === 'sh' || language === 'bash')
  .flatMap(commandsOf)
if (process.argv.includes('--commands')) console.log(commands.join('\n'))
