import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { answersHttp, freePort, greeting, LOOPBACK } from '../loopback.js'
import { ManagedProcess } from '../managed-process.js'
import type { WaitOptions } from '../wait-until.js'
import { type MainConfig, writeMainConfig, writeWorkerConfig } from './synapse-config.js'
import { type SynapseDatabase, sqliteDatabase } from './synapse-database.js'
import type { SynapseInstallation } from './synapse-installation.js'

const START_DEADLINE_MS = 90_000

/** What every Synapse process can do here. Ports and files stay the same from run to run. */
abstract class SynapseProcess {
  readonly process: ManagedProcess
  readonly httpPort: number

  protected constructor(process: ManagedProcess, httpPort: number) {
    this.process = process
    this.httpPort = httpPort
  }

  /** Where its HTTP API is, without a slash at the end. */
  get baseUrl(): string {
    return `http://${LOOPBACK}:${this.httpPort}`
  }

  /** Starts it and waits until it answers on all its ports. */
  async start(): Promise<void> {
    this.process.start()
    const options = { deadlineMs: START_DEADLINE_MS, everyMs: 100 }
    await this.process.waitFor(`${this.process.name} is ready`, () => this.ready(), options)
  }

  kill9(): Promise<void> {
    return this.process.kill9()
  }

  stop(): Promise<void> {
    return this.process.stop()
  }

  /** Starts it again, after it was killed or by stopping it now. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  protected abstract ready(): Promise<boolean>
}

/** Settings of a main process; everything has a default but the directory. */
export interface SynapseMainOptions {
  /** For configuration, log and database file; created if need be. */
  readonly directory: string
  readonly serverName?: string
  /** An SQLite file in the directory unless told. */
  readonly database?: SynapseDatabase
  readonly sendFederation?: boolean
  /** Replicate over a Redis there, instead of directly. */
  readonly redisPort?: number
}

/** A Synapse main process, `python -m synapse.app.homeserver`. */
export class SynapseMain extends SynapseProcess {
  readonly installation: SynapseInstallation
  readonly directory: string
  readonly serverName: string
  /** Nobody listens there where it replicates over Redis. */
  readonly replicationPort: number
  readonly configPath: string
  readonly #isOverRedis: boolean

  private constructor(
    installation: SynapseInstallation,
    { directory, serverName, httpPort, replicationPort, redisPort }: Omit<MainConfig, 'database'>,
    configPath: string,
  ) {
    super(synapse(installation, 'main', 'synapse.app.homeserver', directory, [configPath]), httpPort)
    this.installation = installation
    this.directory = directory
    this.serverName = serverName
    this.replicationPort = replicationPort
    this.configPath = configPath
    this.#isOverRedis = redisPort !== null
  }

  /** Chooses ports and writes the configuration; nothing runs yet. */
  static async prepare(installation: SynapseInstallation, options: SynapseMainOptions): Promise<SynapseMain> {
    const { directory, serverName = 'interop.test', sendFederation = true, redisPort = null } = options
    const { database = sqliteDatabase(join(directory, 'homeserver.db')) } = options
    await mkdir(directory, { recursive: true })
    const ports = { httpPort: await freePort(), replicationPort: await freePort(), redisPort }
    const config = { directory, serverName, sendFederation, ...ports }
    return new SynapseMain(installation, config, await writeMainConfig({ ...config, database }))
  }

  protected override async ready(): Promise<boolean> {
    if (!(await answersHttp(`${this.baseUrl}/_matrix/client/versions`))) return false
    if (this.#isOverRedis) return true
    return (await greeting(this.replicationPort)) === `SERVER ${this.serverName}`
  }
}

/** Settings of a worker; by default it replicates from the main process itself. */
export interface SynapseWorkerOptions {
  readonly name?: string
  /** Where it connects for TCP replication: the main process, or a relay in front of it. */
  readonly replicationHost?: string
  readonly replicationPort?: number
  /** Where it makes its HTTP replication calls; the main process unless told. */
  readonly replicationHttpPort?: number
  /** The Redis that it follows, where that is not the main process's. */
  readonly redisPort?: number
}

/** A Synapse worker that serves /sync, with the configuration and the database of its main process. */
export class SynapseWorker extends SynapseProcess {
  private constructor(process: ManagedProcess, httpPort: number) {
    super(process, httpPort)
  }

  /** Chooses a port and writes the configuration; nothing runs yet. Start it only after its main process. */
  static async prepare(main: SynapseMain, options: SynapseWorkerOptions = {}): Promise<SynapseWorker> {
    const { directory, installation } = main
    const { name = 'worker1', replicationHost = LOOPBACK, replicationPort = main.replicationPort } = options
    const { replicationHttpPort = main.httpPort, redisPort = null } = options
    const app = installation.version === '1.4.0' ? 'synapse.app.synchrotron' : 'synapse.app.generic_worker'
    const httpPort = await freePort()
    const configPath = await writeWorkerConfig({
      ...{ directory, app, name, httpPort, replicationHost, replicationPort },
      ...{ replicationHttpPort, redisPort, mainHttpPort: main.httpPort },
    })
    return new SynapseWorker(
      synapse(installation, name, app, directory, [main.configPath, configPath]),
      httpPort,
    )
  }

  /** Waits until it has connected for replication, seen in its log after `mark`. */
  async waitForReplication(mark = 0, options: WaitOptions = {}): Promise<void> {
    await this.process.waitForLog(/Connected to replication|Successfully subscribed to redis/, mark, options)
  }

  protected override ready(): Promise<boolean> {
    return answersHttp(this.baseUrl)
  }
}

function synapse(
  installation: SynapseInstallation,
  name: string,
  app: string,
  directory: string,
  configPaths: readonly string[],
): ManagedProcess {
  return new ManagedProcess({
    name: `synapse ${name}`,
    command: installation.python,
    args: ['-m', app, ...configPaths.flatMap((path) => ['-c', path])],
    cwd: directory,
    env: installation.env,
    logPath: join(directory, `${name}.log`),
  })
}
