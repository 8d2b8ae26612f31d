/**
 * Packs every package as it would be published and checks what is in the tarballs: by publint and attw, for what
 * must and must not be there, by importing every entry point and starting every program with plain Node, and by
 * compiling the declarations as a user does who has not set `skipLibCheck`.
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
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly man?: string
}

const problems: string[] = []

/** Runs a checker, shows what it says only if it complains, and goes on. */
function check(problem: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return
  console.error(stdout + stderr)
  problems.push(problem)
}

const allowed =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|(dist|src|bin)\/.*\.(js|d\.ts|ts|map)|man\/.*\.1|deploy\/.*)$/
const onlyHere = [
  `${process.cwd()}/`,
  `${homedir()}/`,
  'file:///',
  'workspace:',
  'catalog:',
  '@holdfast/source',
]

/** What is wrong with an unpacked package. */
function* complaints(root: string): Iterable<string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  const manifest = manifestIn(root)
  const targets = Object.values(manifest.exports).flatMap((to) =>
    typeof to === 'string' ? to : Object.values(to),
  )
  const { bin = {}, man = [] } = manifest
  for (const needed of ['README.md', 'LICENSE', ...targets, ...Object.values(bin), man].flat())
    if (!files.includes(normalize(needed))) yield `${needed} is missing`
  for (const file of files) {
    if (!allowed.test(file)) yield `${file} does not belong there`
    const text = readFileSync(join(root, file), 'utf8')
    // Documentation and comments may speak of ranges and conditions; what is read by machines may not hold them.
    const traces = file === 'package.json' ? onlyHere : onlyHere.slice(0, 2)
    for (const trace of traces) if (text.includes(trace)) yield `${file} mentions ${trace}`
    if (file.endsWith('.map')) {
      const { sources } = JSON.parse(text) as { sources: readonly string[] }
      for (const source of sources)
        if (!files.includes(normalize(join(dirname(file), source)))) yield `${file}: no source ${source}`
    }
  }
}

/** The entry points that need the optional peers of their package. */
const needOptional = ['./program', './service', './open-telemetry', './web-socket', './lmdb', './redis']

/**
 * Installs a package as a user would get it, what it depends on beside it and nothing else, and imports its entry
 * points. Its programs must at least say their version.
 */
function importAll(name: string, tarballOf: (name: string) => string): void {
  const consumer = join(out, 'consumers', name)
  const manifest = install(name, consumer, tarballOf)
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'))
  const before = problems.length
  for (const entry of entries.sort(
    (a, b) => Number(needOptional.includes(a)) - Number(needOptional.includes(b)),
  )) {
    if (needOptional.includes(entry))
      for (const peer of Object.keys(manifest.peerDependencies ?? {})) linkTo(name, peer, consumer)
    const code = `await import('${manifest.name}${entry.slice(1)}')`
    const args = ['--input-type=module', '--eval', code]
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: consumer, encoding: 'utf8' })
    if (status !== 0) problems.push(`${name}: ${entry} does not import: ${stderr}`)
  }
  for (const program of Object.values(manifest.bin ?? {})) {
    const path = join(consumer, 'node_modules', manifest.name, program)
    const { status, stderr } = spawnSync(process.execPath, [path, '--version'], { encoding: 'utf8' })
    if (status !== 0) problems.push(`${name}: ${program} does not run: ${stderr}`)
  }
  if (problems.length === before) console.log(`${manifest.name}: ${entries.length} entry points import`)
}

/** Compiles what was built: a declaration that `stripInternal` has taken too much from fits its interface no more. */
function checkDeclarations(): void {
  const files = readdirSync('packages').flatMap((name) =>
    Object.values(manifestIn(join('packages', name)).exports)
      .flatMap((to) => (typeof to === 'string' ? [] : (to['types'] ?? [])))
      .map((types) => join('packages', name, types)),
  )
  const settings = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
    'false',
  ]
  const language = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
    '--types',
    'node',
  ]
  const { stdout } = spawnSync('tsc', [...settings, ...language, ...files], { encoding: 'utf8' })
  // What is wrong in others' declarations is theirs to mend.
  for (const line of stdout.split('\n')) if (line.startsWith('packages/')) problems.push(line)
}

function install(name: string, consumer: string, tarballOf: (name: string) => string): Manifest {
  const root = join(consumer, 'node_modules', '@holdfast', name)
  mkdirSync(root, { recursive: true })
  execFileSync('tar', ['-xzf', tarballOf(name), '-C', root, '--strip-components=1'])
  const manifest = manifestIn(root)
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest
  const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true)
  for (const dependency of [...Object.keys(dependencies), ...peers]) {
    const [scope, own = ''] = dependency.split('/')
    if (scope === '@holdfast') install(own, consumer, tarballOf)
    else linkTo(name, dependency, consumer)
  }
  return manifest
}

function linkTo(name: string, dependency: string, consumer: string): void {
  const link = join(consumer, 'node_modules', dependency)
  if (existsSync(link)) return
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(realpathSync(join('packages', name, 'node_modules', dependency)), link)
}

function manifestIn(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

const out = mkdtempSync(join(tmpdir(), 'holdfast-pack-'))
try {
  execFileSync('pnpm', ['--recursive', 'pack', '--pack-destination', out])
  const files = readdirSync(out)
  const tarballOf = (name: string): string => {
    const file = files.find((each) => new RegExp(`^holdfast-${name}-\\d`).test(each))
    if (file === undefined) throw new Error(`${name} was not packed`)
    return join(out, file)
  }
  for (const name of readdirSync('packages')) {
    const tarball = tarballOf(name)
    check(`${name}: publint complains`, 'publint', '--strict', tarball)
    check(`${name}: attw complains`, 'attw', '--profile', 'esm-only', '--format', 'ascii', tarball)
    importAll(name, tarballOf)
    const root = join(out, 'consumers', name, 'node_modules', '@holdfast', name)
    for (const problem of complaints(root)) problems.push(`${name}: ${problem}`)
  }
  checkDeclarations()
} finally {
  rmSync(out, { recursive: true })
}
if (problems.length > 0) {
  console.error(`what would be published is wrong:\n  ${problems.join('\n  ')}`)
  process.exitCode = 1
}
