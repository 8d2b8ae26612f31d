import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort, LOOPBACK } from './loopback.js'
import { ManagedProcess } from './managed-process.js'
import { waitUntil } from './wait-until.js'

/** A Redis that keeps nothing, on a port that stays the same from run to run. */
export class RedisProcess {
  readonly process: ManagedProcess
  readonly port: number

  private constructor(process: ManagedProcess, port: number) {
    this.process = process
    this.port = port
  }

  /** Chooses a port; nothing runs yet. */
  static async prepare(directory: string, name = 'redis'): Promise<RedisProcess> {
    await mkdir(directory, { recursive: true })
    const port = await freePort()
    const process = new ManagedProcess({
      name,
      command: 'redis-server',
      args: ['--port', String(port), '--bind', LOOPBACK, '--save', '', '--appendonly', 'no'],
      cwd: directory,
      logPath: join(directory, `${name}.log`),
    })
    return new RedisProcess(process, port)
  }

  get url(): string {
    return `redis://${LOOPBACK}:${this.port}`
  }

  /** Starts it and waits until it takes connections. */
  async start(): Promise<void> {
    const mark = this.process.logMark()
    this.process.start()
    await this.process.waitForLog(/Ready to accept connections/, mark)
  }
}

/** Where the main process says that its streams stand, heard on the channel without our client. */
export class ChannelPositions {
  readonly #redis: Redis
  readonly #positions = new Map<string, number>()

  private constructor(redis: Redis) {
    this.#redis = redis
    redis.on('message', (_channel, line) => {
      const [command, stream = '', instance, ...rest] = line.split(' ')
      const isFirst = !this.#positions.has(stream)
      if (command === 'POSITION' && instance === 'master' && isFirst)
        this.#positions.set(stream, Number(rest.at(-1)))
    })
  }

  /** Listens from now on. */
  static async on(redis: RedisProcess, serverName: string): Promise<ChannelPositions> {
    const subscriber = new Redis(redis.port, LOOPBACK)
    subscriber.on('error', () => undefined)
    await subscriber.subscribe(serverName)
    return new ChannelPositions(subscriber)
  }

  /** Forgets what was said until now. */
  forget(): void {
    this.#positions.clear()
  }

  /** The first position of each stream that was said since, once there are so many. */
  async first(atLeast: number): Promise<ReadonlyMap<string, number>> {
    await waitUntil('the main process says its positions', () => this.#positions.size >= atLeast)
    return new Map(this.#positions)
  }

  stop(): Promise<void> {
    this.#redis.disconnect()
    return Promise.resolve()
  }
}
