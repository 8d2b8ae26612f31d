/**
 * Packs every package as it would be published and checks what is in the tarballs: by publint and attw, for what
 * must and must not be there, and by importing every entry point from them with plain Node.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
}

const problems: string[] = []

/** Runs a checker, shows what it says only if it complains, and goes on. */
function check(problem: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return
  console.error(stdout + stderr)
  problems.push(problem)
}

const allowed = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|(dist|src|bin)\/.*\.(js|d\.ts|ts|map))$/
const onlyHere = [process.cwd(), homedir(), 'file:///', 'workspace:', 'catalog:', '@holdfast/source']

/** What is wrong with an unpacked package. */
function* complaints(root: string): Iterable<string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const targets = Object.values(manifest.exports).flatMap((to) =>
    typeof to === 'string' ? to : Object.values(to),
  )
  for (const needed of ['README.md', 'LICENSE', ...targets, ...Object.values(manifest.bin ?? {})])
    if (!files.includes(normalize(needed))) yield `${needed} is missing`
  for (const file of files) {
    if (!allowed.test(file)) yield `${file} does not belong there`
    const text = readFileSync(join(root, file), 'utf8')
    // Documentation and comments may speak of ranges and conditions; what is read by machines may not hold them.
    const traces = file === 'package.json' ? onlyHere : onlyHere.slice(0, 2)
    for (const trace of traces)
      if (trace.length > 1 && text.includes(trace)) yield `${file} mentions ${trace}`
    if (file.endsWith('.map')) {
      const { sources } = JSON.parse(text) as { sources: readonly string[] }
      for (const source of sources)
        if (!files.includes(normalize(join(dirname(file), source)))) yield `${file}: no source ${source}`
    }
  }
}

/** Puts what the package depends on beside it, as an installer would, and imports its entry points. */
function importAll(modules: string, name: string, root: string): void {
  const installed = join('packages', name, 'node_modules')
  for (const entry of readdirSync(installed, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink() || entry.parentPath.includes('.bin')) continue
    const path = join(entry.parentPath, entry.name)
    const link = join(modules, path.slice(installed.length + 1))
    mkdirSync(dirname(link), { recursive: true })
    if (!existsSync(link)) symlinkSync(realpathSync(path), link)
  }
  const { name: full, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  const before = problems.length
  for (const entry of entries) {
    const code = `await import('${full}${entry.slice(1)}')`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: dirname(modules),
      encoding: 'utf8',
    })
    if (status !== 0) problems.push(`${name}: ${entry} does not import: ${stderr}`)
  }
  if (problems.length === before) console.log(`${full}: ${entries.length} entry points import`)
}

const out = mkdtempSync(join(tmpdir(), 'holdfast-pack-'))
try {
  execFileSync('pnpm', ['--recursive', 'pack', '--pack-destination', out])
  const modules = join(out, 'node_modules')
  const names = readdirSync('packages')
  for (const name of names) {
    const tarball = join(
      out,
      readdirSync(out).find((file) => new RegExp(`^holdfast-${name}-\\d`).test(file)) ?? '',
    )
    check(`${name}: publint complains`, 'publint', '--strict', tarball)
    check(`${name}: attw complains`, 'attw', '--profile', 'esm-only', '--format', 'ascii', tarball)
    const root = join(modules, '@holdfast', name)
    mkdirSync(root, { recursive: true })
    execFileSync('tar', ['-xzf', tarball, '-C', root, '--strip-components=1'])
    for (const problem of complaints(root)) problems.push(`${name}: ${problem}`)
  }
  // Only when all are there: they import one another.
  for (const name of names) importAll(modules, name, join(modules, '@holdfast', name))
} finally {
  rmSync(out, { recursive: true })
}
if (problems.length > 0) {
  console.error(`what would be published is wrong:\n  ${problems.join('\n  ')}`)
  process.exitCode = 1
}
