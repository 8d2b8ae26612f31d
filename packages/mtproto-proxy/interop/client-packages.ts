import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loaderName } from './clients/client-program.js'

/** Exactly these versions: of each client one, and of what it needs whatever npm chooses. */
const versions = {
  '@mtcute/core': '0.30.3',
  '@mtcute/node': '0.30.3',
  'prebuilt-tdlib': '0.1008065.0',
  tdl: '8.1.0',
  telegram: '2.26.22',
}

/**
 * Gives the folder in which the real clients are installed, and makes it first if it is not there (a minute, 200 MB):
 * in `HOLDFAST_INTEROP_CACHE`, or in the system's temporary directory. They are none of the workspace's dependencies.
 */
export async function clientPackages(print: (line: string) => void): Promise<string> {
  const cache = process.env['HOLDFAST_INTEROP_CACHE'] ?? join(tmpdir(), 'holdfast-interop')
  const manifest = JSON.stringify({ private: true, dependencies: versions })
  const fingerprint = createHash('sha256').update(manifest).digest('hex').slice(0, 12)
  const directory = join(cache, `telegram-clients-${fingerprint}`)
  if (existsSync(directory)) return directory
  print(`installing TDLib, mtcute and GramJS into ${directory}`)
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${directory}-draft-`)
  try {
    await writeFile(join(draft, 'package.json'), manifest)
    await writeFile(join(draft, loaderName), 'export const load = (name) => import(name)\n')
    // No package needs its install script for what is done here, and one would compile for minutes.
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await promisify(execFile)('npm', ['install', ...flags], { cwd: draft, maxBuffer: 1 << 26 })
    // Under its name only when all is there, so that a broken or a second installation does no harm.
    await rename(draft, directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return directory
}
