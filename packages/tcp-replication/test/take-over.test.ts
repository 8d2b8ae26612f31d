import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { redisStore } from '@holdfast/core/redis'
import { memorySource } from '@holdfast/tcp-replication'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { RedisServer, redisVersion } from '../bench/redis-server.js'
import { listenOn } from './support/real.js'

const example = fileURLToPath(new URL('../examples/take-over.ts', import.meta.url))
const patiently = { timeout: 30_000, interval: 5 }

interface Session {
  readonly at: number
  readonly typing: Readonly<Record<string, readonly string[]>>
}

/** The example in a process of its own, and what it has printed. */
class Follower implements Disposable {
  readonly process: ChildProcess
  readonly said: string[] = []

  constructor(...args: readonly string[]) {
    const options = ['--import', 'tsx', '--conditions=@holdfast/source']
    this.process = spawn(process.execPath, [...options, example, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { stdout } = this.process
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.said.push(line))
  }

  /** The position that was saved last, as far as it was told. */
  get at(): number {
    return Number(this.said.at(-1)?.split(' ').at(-1))
  }

  async until(at: number): Promise<void> {
    await vi.waitFor(() => expect(this.at).toBeGreaterThanOrEqual(at), patiently)
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL')
  }
}

describe.skipIf(redisVersion() === null)('take-over (skipped where there is no redis-server)', () => {
  it('I17 what froze in Redis as its process was killed thaws in another; who was only thought dead ends', async () => {
    await using redis = await RedisServer.start()
    const source = memorySource({ streams: ['typing'] })
    await using server = await listenOn(source)
    const append = (to: number): void => {
      for (let token = source.head('typing') + 1; token <= to; token += 1)
        source.append('typing', [[`!room${token % 7}:x`, [`@user${token}:x`]]])
    }
    const where = [server.endpoint.uri, `redis://127.0.0.1:${redis.port}`, 'session']
    append(30)
    using here = new Follower(...where)
    await here.until(30)
    expect(here.said[0]).toBe('from the beginning')
    append(1000)
    // Killed in the midst of them.
    await here.until(40)
    here.process.kill('SIGKILL')
    await once(here.process, 'close')
    expect(here.at).toBeLessThan(1000)

    using there = new Follower(...where)
    await there.until(1000)
    // It may have saved once more than it could tell of.
    expect([`from ${here.at}`, `from ${here.at + 1}`]).toContain(there.said[0])

    const exited = once(there.process, 'exit')
    const client = new Redis(redis.port, '127.0.0.1')
    const taken = await redisStore<Session>({ redis: client, key: 'session' }).load()
    client.disconnect()
    expect(taken?.at).toBe(1000)
    const expected = Array.from({ length: 7 }, (_, back) => 1000 - back)
    expect(taken?.typing).toEqual(
      Object.fromEntries(expected.map((token) => [`!room${token % 7}:x`, [`@user${token}:x`]])),
    )
    append(1001)
    expect(await exited).toEqual([3, null])
  }, 90_000)
})
