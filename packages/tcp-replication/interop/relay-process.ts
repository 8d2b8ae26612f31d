import { join } from 'node:path'
import { holdfastProcess } from './holdfast-cli.js'
import { freePort, LOOPBACK } from './loopback.js'
import type { ManagedProcess } from './managed-process.js'
import type { SynapseMain } from './synapse/synapse-process.js'

interface Status {
  readonly server: {
    readonly positions: Readonly<Record<string, number>>
    readonly connections: readonly { readonly name: string }[]
  }
  readonly upstream: { readonly phase: string; readonly dialect: string | null }
}

/** `relay` of our program, in front of a main process. */
export class RelayProcess {
  readonly process: ManagedProcess
  readonly replicationPort: number
  readonly httpPort: number

  private constructor(
    process: ManagedProcess,
    ports: { readonly replication: number; readonly http: number },
  ) {
    this.process = process
    this.replicationPort = ports.replication
    this.httpPort = ports.http
  }

  /** Chooses ports; nothing runs yet. */
  static async prepare(main: SynapseMain, directory: string): Promise<RelayProcess> {
    const ports = { replication: await freePort(), http: await freePort() }
    const later = main.installation.version !== '1.4.0'
    const { process } = holdfastProcess(directory, 'relay', [
      ...['relay', '--upstream', `${LOOPBACK}:${main.replicationPort}`, '--data', join(directory, 'relay')],
      ...['--listen', `${LOOPBACK}:${ports.replication}`, '--http', `${LOOPBACK}:${ports.http}`],
      ...(later ? ['--dialect', 'd2', '--updates', main.baseUrl] : []),
    ])
    return new RelayProcess(process, ports)
  }

  /** Starts it, or starts it again, and waits until it has caught up with the main process. */
  async start(): Promise<void> {
    this.process.start()
    await this.ready()
  }

  /** Waits until it has caught up with the main process. */
  async ready(): Promise<void> {
    const options = { deadlineMs: 90_000 }
    await this.process.waitFor(
      'the relay follows',
      async () => (await this.status())?.upstream.phase === 'ready',
      options,
    )
  }

  /** What it answers when asked how it stands, or undefined while it does not answer. */
  async status(): Promise<Status | undefined> {
    try {
      const response = await fetch(`http://${LOOPBACK}:${this.httpPort}/status`, {
        signal: AbortSignal.timeout(2000),
      })
      return (await response.json()) as Status
    } catch {
      return undefined
    }
  }
}
