import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether there is a `redis-server` to test against. */
export const hasRedis = spawnSync('redis-server', ['--version']).error === undefined

/** A Redis of the test, on a unix socket of its own; it writes every change to the disk before it answers. */
export class RedisProgram implements AsyncDisposable {
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(): Promise<RedisProgram> {
    const redis = new RedisProgram(await mkdtemp(join(tmpdir(), 'holdfast-redis-')))
    await redis.start()
    return redis
  }

  get path(): string {
    return join(this.#folder, 'socket')
  }

  async start(): Promise<void> {
    const where = ['--port', '0', '--unixsocket', this.path, '--dir', this.#folder, '--save', '']
    const child = spawn('redis-server', [...where, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#process = child
    let said = ''
    for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
      said += String(text)
      if (said.includes('eady to accept connections')) break
    }
    child.stdout.resume()
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
