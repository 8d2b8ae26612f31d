import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './holdfast-cli.js'
import { freePort, LOOPBACK } from './loopback.js'
import type { RedisProcess } from './redis-process.js'
import type { SynapseMain } from './synapse/synapse-process.js'
import { waitUntil } from './wait-until.js'

/** `tail --redis FROM --json | serve --redis TO --stdin`: what comes on one Redis is published on another. */
export class PipeProcess {
  readonly #children: readonly ChildProcess[]

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children
  }

  /** Starts both, and waits until `serve` answers. */
  static async start(
    main: SynapseMain,
    {
      directory,
      from,
      to,
    }: { readonly directory: string; readonly from: RedisProcess; readonly to: RedisProcess },
  ): Promise<PipeProcess> {
    const http = await freePort()
    const name = ['--server-name', main.serverName]
    const tail = ['tail', '--json', ...name, '--redis', from.url, '--updates', main.baseUrl]
    const serve = ['serve', '--stdin', '--json', ...name, '--redis', to.url, '--dialect', 'd2']
    const where = ['--data', join(directory, 'log'), '--listen', `${LOOPBACK}:0`, '--http', String(http)]
    const log = openSync(join(directory, 'pipe.log'), 'a')
    const reader = spawn(process.execPath, [program, ...tail], { stdio: ['ignore', 'pipe', log] })
    const writer = spawn(process.execPath, [program, ...serve, ...where], {
      stdio: [reader.stdout, log, log],
    })
    closeSync(log)
    const both = new PipeProcess([reader, writer])
    process.once('exit', () => both.#signal('SIGKILL'))
    await waitUntil('serve publishes', async () => {
      const status = await fetch(`http://${LOOPBACK}:${http}/status`).then(
        (response) => response.json() as Promise<{ redis?: { phase: string } }>,
        () => null,
      )
      return status?.redis?.phase === 'ready'
    })
    return both
  }

  async stop(): Promise<void> {
    const running = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    )
    const gone = running.map((child) => once(child, 'exit'))
    this.#signal('SIGTERM')
    await Promise.all(gone)
  }

  #signal(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal)
  }
}
