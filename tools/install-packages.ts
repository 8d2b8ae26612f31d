/**
 * Packs every package, installs each into an empty project as a stranger would, on every line of Node.js, imports its
 * entry points and follows its programs' `--help`. Prints what it weighs, and fails above a bound.
 *
 * `pnpm check:install [LINE …]`, by default 20 22 24 26. Needs the npm registry; takes minutes.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly bin?: Readonly<Record<string, string>>
}

/** Bounds in kB: of the tarball, and of everything that an installation brings along, without what is optional. */
const bounds: Readonly<Record<string, { readonly tarball: number; readonly installed: number }>> = {
  core: { tarball: 550, installed: 15_000 },
  'tcp-replication': { tarball: 400, installed: 60_000 },
  'mtproto-proxy': { tarball: 600, installed: 30_000 },
  'nostr-sync': { tarball: 550, installed: 60_000 },
  conference: { tarball: 600, installed: 60_000 },
}

/** Optional, and compiled where it is installed: tests of the package try it. */
const compiled = new Set(['bcrypto'])

const problems: string[] = []

/** A line of Node.js from the registry, first in the path of whatever runs there. */
function environmentOf(line: string): NodeJS.ProcessEnv {
  const args = ['--yes', '--package', `node@${line}`, '--', 'node', '--print', 'process.execPath']
  const program = execFileSync('npx', args, { encoding: 'utf8' }).trim()
  return { ...process.env, PATH: `${dirname(program)}:${process.env['PATH'] ?? ''}` }
}

type Run = (folder: string, ...command: string[]) => string

/** Runs commands on a line of Node.js; what goes wrong is a problem, told with its last words. */
function runOn(line: string): Run {
  const env = environmentOf(line)
  return (cwd, command = '', ...args) => {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd,
      env,
      encoding: 'utf8',
      timeout: 300_000,
    })
    const words = (stderr || stdout).trim().slice(-800)
    if (status !== 0) problems.push(`${command} ${args.join(' ')} on Node.js ${line}: ${words}`)
    return stdout
  }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

/** Every command that a program's own help names, two levels deep. */
function followHelp(run: Run, project: string, program: string): number {
  const commandsOf = (help: string): string[] => {
    const [, section = ''] = help.split(/^Commands:$/m)
    const names = [...section.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name)
    return names.filter((name) => name !== 'help')
  }
  const help = (...path: string[]): string =>
    run(project, join('node_modules', '.bin', program), ...path, '--help')
  const first = commandsOf(help())
  const second = first.flatMap((name) => commandsOf(help(name)).map((each) => [name, each]))
  for (const path of second) help(...path)
  return first.length + second.length
}

function tryPackage(name: string, line: string, run: Run, tarballs: ReadonlyMap<string, string>): void {
  const project = join(out, `${name}-${line}`)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
  const tarball = tarballs.get(name) ?? ''
  const { name: full, exports, bin = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifestOf(name)
  const peers = Object.keys(peerDependencies)
  const isOptional = (peer: string): boolean => peerDependenciesMeta[peer]?.optional === true
  const install = (...what: string[]): string =>
    run(project, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', ...what)
  const importAll = (names: readonly string[]): string => {
    const imports = names.map((entry) => `await import('${full}${entry.slice(1)}')`)
    return run(project, 'node', '--input-type=module', '--eval', imports.join('; '))
  }
  const beside = name === 'core' ? [] : [tarballs.get('core') ?? '']
  install(tarball, ...beside, ...peers.filter((peer) => !isOptional(peer)))
  importAll(['.'])
  const commands = Object.keys(bin).map((program) => followHelp(run, project, program))
  const kilobytes = (bytes: number): number => Math.ceil(bytes / 1000)
  const measured = {
    tarball: kilobytes(statSync(tarball).size),
    installed: kilobytes(sizeOf(join(project, 'node_modules'))),
  }
  const optional = peers.filter((peer) => isOptional(peer) && !compiled.has(peer))
  if (optional.length > 0) install(...optional)
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  importAll(entries)
  for (const what of ['tarball', 'installed'] as const) {
    const bound = bounds[name]?.[what] ?? 0
    if (measured[what] > bound)
      problems.push(`${name}: ${what} is ${measured[what]} kB, more than ${bound} kB`)
  }
  const told = commands.length > 0 ? `, ${commands.join(' + ')} commands tell their help` : ''
  console.log(
    `${full} on Node.js ${line}: ${entries.length} entry points import${told}; tarball ${measured.tarball} kB, installed ${measured.installed} kB`,
  )
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8')) as Manifest
}

const lines = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['20', '22', '24', '26']
const out = mkdtempSync(join(tmpdir(), 'holdfast-install-'))
try {
  execFileSync('pnpm', ['--recursive', 'pack', '--pack-destination', out])
  const names = readdirSync('packages')
  const files = readdirSync(out)
  const tarballs = new Map(
    names.map((name) => [
      name,
      join(out, files.find((file) => new RegExp(`^holdfast-${name}-\\d`).test(file)) ?? ''),
    ]),
  )
  for (const line of lines) {
    const run = runOn(line)
    for (const name of names) tryPackage(name, line, run, tarballs)
  }
} finally {
  rmSync(out, { recursive: true, force: true })
}
if (problems.length > 0) {
  console.error(`what would be published cannot be used:\n  ${problems.join('\n  ')}`)
  process.exitCode = 1
}
