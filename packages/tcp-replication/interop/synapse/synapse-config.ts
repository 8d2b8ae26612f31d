import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LOOPBACK } from '../loopback.js'
import type { SynapseDatabase } from './synapse-database.js'

/** What one homeserver's configuration depends on. */
export interface MainConfig {
  readonly directory: string
  readonly serverName: string
  readonly httpPort: number
  /** Of the direct replication, which there is only without Redis. */
  readonly replicationPort: number
  readonly redisPort: number | null
  readonly database: SynapseDatabase
  /** Off: another process is to send federation traffic, and only then 1.4.0 has a `federation` stream. */
  readonly sendFederation: boolean
}

/** What one worker's configuration depends on, besides that of its homeserver. */
export interface WorkerConfig {
  readonly directory: string
  readonly app: 'synapse.app.synchrotron' | 'synapse.app.generic_worker'
  readonly name: string
  readonly httpPort: number
  readonly replicationHost: string
  readonly replicationPort: number
  readonly replicationHttpPort: number
  readonly redisPort: number | null
  readonly mainHttpPort: number
}

/** Writes homeserver.yaml with its key and log configuration, and gives its path. */
export async function writeMainConfig(config: MainConfig): Promise<string> {
  const { directory } = config
  const signingKeyPath = join(directory, 'signing.key')
  await writeFile(signingKeyPath, `ed25519 a_test ${unpaddedBase64(randomBytes(32))}\n`)
  const unlimited = { per_second: 10_000, burst_count: 10_000 }
  return writeYaml(join(directory, 'homeserver.yaml'), {
    server_name: config.serverName,
    public_baseurl: `http://${LOOPBACK}:${config.httpPort}/`,
    pid_file: join(directory, 'homeserver.pid'),
    report_stats: false,
    signing_key_path: signingKeyPath,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    log_config: await writeLogConfig(directory),
    media_store_path: join(directory, 'media'),
    uploads_path: join(directory, 'uploads'),
    database: config.database,
    listeners: [
      httpListener(config.httpPort, ['client', 'replication']),
      ...(config.redisPort !== null
        ? []
        : [{ port: config.replicationPort, type: 'replication', tls: false, bind_addresses: [LOOPBACK] }]),
    ],
    ...redisSection(config.redisPort),
    send_federation: config.sendFederation,
    federation_domain_whitelist: [],
    enable_registration: true,
    enable_registration_without_verification: true,
    bcrypt_rounds: 4,
    macaroon_secret_key: unpaddedBase64(randomBytes(24)),
    form_secret: unpaddedBase64(randomBytes(24)),
    // Else 1.66.0 answers a first /sync from memory for two minutes; 1.4.0 does not know the setting.
    caches: { sync_response_cache_duration: '0s' },
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_presence: { per_user: unlimited },
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_joins: { local: unlimited, remote: unlimited },
    rc_invites: { per_room: unlimited, per_user: unlimited },
  })
}

/** Writes the worker's own part of the configuration, read after homeserver.yaml, and gives its path. */
export async function writeWorkerConfig(config: WorkerConfig): Promise<string> {
  const { directory, name } = config
  return writeYaml(join(directory, `${name}.yaml`), {
    worker_app: config.app,
    worker_name: name,
    worker_replication_host: config.replicationHost,
    worker_replication_port: config.replicationPort,
    worker_replication_http_port: config.replicationHttpPort,
    ...redisSection(config.redisPort),
    worker_main_http_uri: `http://${LOOPBACK}:${config.mainHttpPort}`,
    worker_listeners: [httpListener(config.httpPort, ['client'])],
    worker_pid_file: join(directory, `${name}.pid`),
    worker_log_config: await writeLogConfig(directory),
  })
}

function redisSection(port: number | null): object {
  return port === null ? {} : { redis: { enabled: true, host: LOOPBACK, port } }
}

function httpListener(port: number, names: readonly string[]): object {
  return {
    port,
    type: 'http',
    tls: false,
    bind_addresses: [LOOPBACK],
    resources: [{ names, compress: false }],
  }
}

/** Everything goes to standard error, which the process's log file catches. */
function writeLogConfig(directory: string): Promise<string> {
  return writeYaml(join(directory, 'log.yaml'), {
    version: 1,
    disable_existing_loggers: false,
    formatters: { line: { format: '%(asctime)s %(levelname)s %(name)s %(message)s' } },
    handlers: { stderr: { class: 'logging.StreamHandler', formatter: 'line' } },
    loggers: { 'synapse.storage.SQL': { level: 'INFO' } },
    root: { level: 'INFO', handlers: ['stderr'] },
  })
}

/** JSON is YAML too. */
async function writeYaml(path: string, content: object): Promise<string> {
  await writeFile(path, `${JSON.stringify(content, undefined, 2)}\n`)
  return path
}

function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
