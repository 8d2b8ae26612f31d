import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))

/** 1.4.0 is of 2019 and has the first dialect, 1.66.0 is the last with direct TCP replication, 1.163.2 is of today. */
export type SynapseVersion = '1.4.0' | '1.66.0' | '1.163.2'

/** A Synapse that is ready to run. */
export interface SynapseInstallation {
  readonly version: SynapseVersion
  readonly python: string
  /** The whole environment of its processes. */
  readonly env: NodeJS.ProcessEnv
}

/** Where installations are kept between runs, outside the repository. */
export function cacheDirectory(): string {
  return process.env['HOLDFAST_INTEROP_CACHE'] ?? join(tmpdir(), 'holdfast-interop')
}

/** Gives an installation of that version, and makes it first if it is not there yet (half a minute). */
export async function installSynapse(
  version: SynapseVersion,
  report: (line: string) => void = () => undefined,
): Promise<SynapseInstallation> {
  const requirements = join(here, `requirements-${version}.txt`)
  const buildRequirements = join(here, 'requirements-build.txt')
  const fingerprint = createHash('sha256')
    .update(readFileSync(buildRequirements))
    .update(readFileSync(requirements))
    .digest('hex')
    .slice(0, 12)
  const venv = join(cacheDirectory(), `synapse-${version}-${fingerprint}`)
  if (!existsSync(venv)) {
    report(`installing Synapse ${version} into ${venv}`)
    await buildVenv(venv, [buildRequirements, requirements])
  }
  const python = join(venv, 'bin', 'python')
  return { version, python, env: environment(version) }
}

/** The folder gets its name only when all is in it, so that a broken or a second installation does no harm. */
async function buildVenv(venv: string, requirements: readonly string[]): Promise<void> {
  const basePython = await findPython()
  await mkdir(cacheDirectory(), { recursive: true })
  const draft = await mkdtemp(`${venv}-draft-`)
  try {
    await run(basePython, ['-m', 'venv', draft])
    for (const file of requirements) {
      const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation', '-r', file]
      await run(join(draft, 'bin', 'python'), install, { maxBuffer: 1 << 26 })
    }
    await rename(draft, venv).catch((error: unknown) => {
      if (!existsSync(venv)) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function environment(version: SynapseVersion): NodeJS.ProcessEnv {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return version === '1.4.0' ? { ...env, PYTHONPATH: join(here, 'python-shims') } : env
}

async function findPython(): Promise<string> {
  const asked = process.env['HOLDFAST_INTEROP_PYTHON']
  const candidates = asked === undefined ? ['python3.11', 'python3'] : [asked]
  for (const candidate of candidates) {
    try {
      const { stdout } = await run(candidate, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
      if (stdout.trim() === '3.11') return candidate
    } catch {
      // Not there: the next one may be.
    }
  }
  throw new Error(`Python 3.11 is needed and none of these is it: ${candidates.join(', ')}`)
}
