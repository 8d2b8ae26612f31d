/**
 * Packs every package as it would be published and checks what is in the tarballs: by publint and attw, for what
 * must and must not be there, and by importing every entry point from them with plain Node.
 */
import { execFileSync } from 'node:child_process'
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

const run = (command: string, ...args: string[]): void => {
  execFileSync(command, args, { stdio: 'inherit' })
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
  const code = entries.map((entry) => `await import('${full}${entry.slice(1)}')`).join('\n')
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: dirname(modules),
    stdio: 'inherit',
  })
  console.log(`${full}: ${entries.length} entry points import`)
}

const out = mkdtempSync(join(tmpdir(), 'holdfast-pack-'))
try {
  run('pnpm', '--recursive', 'pack', '--pack-destination', out)
  const modules = join(out, 'node_modules')
  const names = readdirSync('packages')
  const problems: string[] = []
  for (const name of names) {
    const tarball = readdirSync(out).find((file) => new RegExp(`^holdfast-${name}-\\d`).test(file)) ?? ''
    run('publint', '--strict', join(out, tarball))
    run('attw', '--profile', 'esm-only', '--format', 'ascii', join(out, tarball))
    const root = join(modules, '@holdfast', name)
    mkdirSync(root, { recursive: true })
    run('tar', '-xzf', join(out, tarball), '-C', root, '--strip-components=1')
    problems.push(...[...complaints(root)].map((problem) => `${name}: ${problem}`))
  }
  // Only when all are there: they import one another.
  for (const name of names) importAll(modules, name, join(modules, '@holdfast', name))
  if (problems.length > 0) throw new Error(`what would be published is wrong:\n  ${problems.join('\n  ')}`)
} finally {
  rmSync(out, { recursive: true })
}
