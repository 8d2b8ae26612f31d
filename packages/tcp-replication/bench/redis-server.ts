import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ticks of processor time in a second, as Linux tells them. */
const ticksPerSecond = 100

/** Version of the `redis-server` that is installed; `null` if there is none. */
export function redisVersion(): string | null {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return error === undefined ? (/v=([\d.]+)/.exec(stdout)?.[1] ?? 'of unknown version') : null
}

/** A Redis of our own on a free port of this host, which keeps nothing on disk. */
export class RedisServer implements AsyncDisposable {
  readonly port: number
  readonly #process: ChildProcess

  private constructor(port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
  }

  /** @param port - a free one by default */
  static async start(port?: number): Promise<RedisServer> {
    port ??= await freePort()
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const process = spawn('redis-server', [...settings, '--maxclients', '2000', '--dir', tmpdir()], {
      stdio: 'ignore',
    })
    const redis = new RedisServer(port, process)
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const socket = connect(port, '127.0.0.1')
      const isOpen = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      if (isOpen) return redis
      await sleep(20)
    }
    process.kill()
    throw new Error('redis-server does not start')
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** A connection whose answers nobody looks at, but which fails loudly when one is an error. */
  async producer(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.on('data', (answers: Buffer) => {
      if (answers.includes('-ERR')) throw new Error(answers.toString())
    })
    return socket
  }

  /** Processor time of the server, all threads. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  }

  /** Ends it at once, as kill -9 does, if it still runs. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGTERM')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A command as Redis reads it fastest. */
export function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}
