import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from '../../../../test-support/temporary-folder.js'
import type { StatusReport } from '../../src/cli/status-report.js'
import type { FakeTelegram } from '../../src/testing/fake-telegram.js'
import { bin } from './program.js'
import { secret } from './running-proxy.js'

/** How a {@link ProxyProcess} is started. */
export interface ProxyProcessOptions {
  readonly telegram: FakeTelegram
  /** Merged into the configuration. */
  readonly config?: Record<string, unknown>
  /** More flags of `run`. */
  readonly flags?: readonly string[]
  /** A listening socket that becomes descriptor 3. */
  readonly inherits?: number
}

/** The built program's `run` in a process of its own. */
export class ProxyProcess implements AsyncDisposable {
  /** The configuration file, to be rewritten before a reload. */
  readonly configFile: string
  readonly #folder: TemporaryFolder
  readonly #child: ChildProcess
  #log = ''
  #out = ''

  private constructor(folder: TemporaryFolder, options: ProxyProcessOptions) {
    this.#folder = folder
    this.configFile = join(folder.path, 'proxy.json')
    const flags = ['run', '-c', this.configFile, '--log-level', 'info', ...(options.flags ?? [])]
    const command = [process.execPath, bin, ...flags]
    // A shell that waits for a line keeps the descriptors meanwhile.
    this.#child = spawn('sh', ['-c', 'read line && exec "$@"', 'sh', ...command], {
      stdio: ['pipe', 'pipe', 'pipe', ...(options.inherits === undefined ? [] : [options.inherits])],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text))
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text))
  }

  /** Starts it, and waits until it listens or has ended. */
  static async start(options: ProxyProcessOptions): Promise<ProxyProcess> {
    const prepared = await ProxyProcess.prepare(options)
    await prepared.go()
    return prepared
  }

  /** Makes a process that has its descriptors, and begins when it is told to. */
  static async prepare(options: ProxyProcessOptions): Promise<ProxyProcess> {
    const folder = await temporaryFolder()
    await writeFile(join(folder.path, 'proxy.json'), JSON.stringify(processConfig(options)))
    return new ProxyProcess(folder, options)
  }

  /** Begins, and waits until it listens or has ended. */
  async go(): Promise<void> {
    this.#child.stdin?.end('go\n')
    await this.until(() => this.port > 0 || this.#child.exitCode !== null)
  }

  /** Where clients connect; 0 before it listens. */
  get port(): number {
    return Number(/"endpoint":"tcp:[^"]*:(\d+)","msg":"listening for clients/.exec(this.#log)?.[1] ?? 0)
  }

  get admin(): string {
    return /"url":"([^"]+)","msg":"serving the admin/.exec(this.#log)?.[1] ?? ''
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get log(): string {
    return this.#log
  }

  /** What it printed after its links, and its exit code. */
  get ended(): { readonly code: number | null; readonly out: string } {
    return { code: this.#child.exitCode, out: this.#out }
  }

  async state(): Promise<StatusReport> {
    return (await (await fetch(`${this.admin}/state`)).json()) as StatusReport
  }

  async post(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(`${this.admin}${path}`, { method: 'POST' })
    return { status: answer.status, body: await answer.json() }
  }

  async configure(options: ProxyProcessOptions): Promise<void> {
    await writeFile(this.configFile, JSON.stringify(processConfig(options)))
  }

  /** Waits for a condition on what it says of itself. */
  async until(isMet: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isMet())) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Stops it as a service manager does. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#folder[Symbol.asyncDispose]()
  }
}

function processConfig({ telegram, config }: ProxyProcessOptions): Record<string, unknown> {
  const { secret: proxySecret, config: proxyConfig } = telegram.site.urls
  return {
    listen_ip: '127.0.0.1',
    admin: '127.0.0.1:0',
    external_ip: '127.0.0.1',
    proxy_secret_url: proxySecret,
    proxy_config_url: proxyConfig,
    ports: [{ name: 'main', port: 0, secret }],
    ...config,
  }
}
