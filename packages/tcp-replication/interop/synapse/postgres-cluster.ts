import { execFile } from 'node:child_process'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ManagedProcess } from '../managed-process.js'
import { postgresDatabase, type SynapseDatabase } from './synapse-database.js'

const run = promisify(execFile)
const SUPERUSER = 'synapse'

interface User {
  readonly uid: number
  readonly gid: number
}

/** An own PostgreSQL server in one directory, which only its Unix socket there can reach. */
export class PostgresCluster {
  readonly directory: string
  readonly process: ManagedProcess
  readonly #programs: string
  readonly #user: User | undefined

  private constructor(directory: string, programs: string, user: User | undefined) {
    this.directory = directory
    this.#programs = programs
    this.#user = user
    this.process = new ManagedProcess({
      name: 'postgres',
      command: join(programs, 'postgres'),
      args: [
        ...['-D', join(directory, 'data'), '-k', directory],
        ...['-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=32MB'],
      ],
      cwd: directory,
      logPath: join(directory, 'postgres.log'),
      stopSignal: 'SIGINT',
      ...(user && { user }),
    })
  }

  /** Makes the cluster in a new temporary directory, which the server's user and its socket's short path need. */
  static async create(): Promise<PostgresCluster> {
    const programs = await findPrograms()
    const user = process.getuid?.() === 0 ? await postgresUser() : undefined
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
    if (user !== undefined) await chown(directory, user.uid, user.gid)
    const cluster = new PostgresCluster(directory, programs, user)
    await cluster.#program('initdb', [
      ...['-D', join(directory, 'data'), '-U', SUPERUSER, '--auth=trust', '--no-sync'],
      ...['--encoding=UTF8', '--locale=C'],
    ])
    return cluster
  }

  /** Starts the server and waits until it takes connections. */
  async start(): Promise<void> {
    this.process.start()
    await this.process.waitFor('PostgreSQL takes connections', async () => {
      try {
        await this.#program('pg_isready', ['-h', this.directory, '-q'])
        return true
      } catch {
        return false
      }
    })
  }

  async createDatabase(name: string): Promise<SynapseDatabase> {
    await this.#program('createdb', ['-h', this.directory, '-U', SUPERUSER, '-T', 'template0', name])
    return postgresDatabase(this.directory, SUPERUSER, name)
  }

  /** Stops the server and deletes its directory. */
  async remove(): Promise<void> {
    await this.process.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  #program(name: string, args: readonly string[]): Promise<unknown> {
    return run(join(this.#programs, name), args, { cwd: this.directory, ...this.#user })
  }
}

/** Debian keeps the server's programs out of PATH, one folder for each major version. */
async function findPrograms(): Promise<string> {
  const asked = process.env['HOLDFAST_INTEROP_POSTGRES_BIN']
  if (asked !== undefined) return asked
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  const newest = versions.map(Number).sort((a, b) => b - a)[0]
  if (newest !== undefined) return join(root, String(newest), 'bin')
  throw new Error(
    'PostgreSQL is needed: install it, and set HOLDFAST_INTEROP_POSTGRES_BIN if it is not under ' + root,
  )
}

/** PostgreSQL refuses to run as root; its package brings a user for it. */
async function postgresUser(): Promise<User> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}
