import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const clients = join(import.meta.dirname, 'clients')

/** Exactly these versions: of each program one, and of what it needs whatever npm chooses. */
const clientPackages = {
  '@nostr-dev-kit/ndk': '3.0.3',
  '@nostr-dev-kit/sync': '1.0.0',
  'nostr-tools': '2.25.2',
  'rx-nostr': '3.7.5',
  ws: '8.23.0',
}
const relayPackages = {
  '@nostr-relay/common': '0.0.40',
  '@nostr-relay/core': '0.0.40',
  '@nostr-relay/validator': '0.0.40',
  ws: '8.23.0',
}

/**
 * Gives a folder with the npm clients, with their programs in it, and installs them if they are not there: in
 * `HOLDFAST_INTEROP_CACHE`, or in the system's temporary directory.
 */
export function npmClients(print: (line: string) => void): Promise<string> {
  return npmPrograms('nostr-npm', clientPackages, clients, print)
}

/** Gives a folder with `@nostr-relay/core` and a relay made of it, installed in the same way. */
export function npmRelay(print: (line: string) => void): Promise<string> {
  return npmPrograms('nostr-relay-npm', relayPackages, join(import.meta.dirname, 'relays'), print)
}

async function npmPrograms(
  name: string,
  packages: Readonly<Record<string, string>>,
  programs: string,
  print: (line: string) => void,
): Promise<string> {
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: packages })
  const directory = await installed(name, manifest, print, async (draft) => {
    await writeFile(join(draft, 'package.json'), manifest)
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...flags], { cwd: draft, maxBuffer: 1 << 26 })
  })
  await cp(programs, directory, { recursive: true })
  return directory
}

/** Gives the program built on go-nostr, and builds it if it is not there, with modules from the Go module proxy. */
export async function goClient(print: (line: string) => void): Promise<string> {
  const source = join(clients, 'go-nostr')
  const fingerprint = await readFile(join(source, 'main.go'), 'utf8')
  const directory = await installed('nostr-go', fingerprint, print, async (draft) => {
    await cp(source, draft, { recursive: true })
    const env = { ...process.env, GOPATH: join(draft, 'modules'), GOFLAGS: '-modcacherw -mod=mod' }
    await run('go', ['build', '-o', 'client', '.'], { cwd: draft, env, maxBuffer: 1 << 26 })
    await rm(join(draft, 'modules'), { recursive: true, force: true })
  })
  return join(directory, 'client')
}

async function installed(
  name: string,
  content: string,
  print: (line: string) => void,
  install: (draft: string) => Promise<void>,
): Promise<string> {
  const cache = process.env['HOLDFAST_INTEROP_CACHE'] ?? join(tmpdir(), 'holdfast-interop')
  const fingerprint = createHash('sha256').update(content).digest('hex').slice(0, 12)
  const directory = join(cache, `${name}-${fingerprint}`)
  if (existsSync(directory)) return directory
  print(`installing into ${directory}`)
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${directory}-draft-`)
  try {
    await install(draft)
    // Under its name only when all is there, so that a broken or a second installation does no harm.
    await rename(draft, directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return directory
}
