/**
 * What the whole proxy costs, from outside: memory of idle clients, connections, bytes, latency; beside a bare pipe of
 * Node that carries the same bytes and looks at none of them. Each part is a process of its own.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Benchmark, Figure } from '../../../bench/benchmark.js'
import { bundle } from '../../../bench/bundle.js'
import type { Usage } from './usage.js'

const folder = 'packages/mtproto-proxy/bench'
/** As the program's units start it: threads that collect garbage cost more than they save where heaps are small. */
const execArgv = ['--expose-gc', '--single-threaded-gc']
const key = 'd0d6e111bada5511fcce9584deadbeef'
const domain = Buffer.from('www.example.com').toString('hex')
const secrets = { plain: key, dd: `dd${key}`, ee: `ee${key}${domain}` } as const

/** 20,000, or what the limit of descriptors leaves room for. */
const many = Math.min(20_000, descriptorLimit() - 500)
const some = 3_000
const connectSeconds = 4
const bulkMegabytes = 400

function descriptorLimit(): number {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
}

/** A process that said what it had to say at its start. */
class Part<T> implements AsyncDisposable {
  readonly said: T
  readonly #child: ChildProcess

  static async start<T>(program: string, ...args: readonly string[]): Promise<Part<T>> {
    const child = fork(await bundle(`${folder}/${program}.program.ts`), args, { execArgv })
    const [said] = (await once(child, 'message')) as [T]
    return new Part(child, said)
  }

  constructor(child: ChildProcess, said: T) {
    this.#child = child
    this.said = said
  }

  async usage(): Promise<Usage> {
    this.#child.send('usage')
    const [usage] = (await once(this.#child, 'message')) as [Usage]
    return usage
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

/** Something that clients connect to, and what it stands on. */
interface Scene extends AsyncDisposable {
  readonly server: Part<number>
  readonly secret: string
}

async function proxyScene(secret: string): Promise<Scene> {
  const telegram = await Part.start<{ secret: string; config: string }>('telegram')
  const server = await Part.start<number>('proxy', telegram.said.secret, telegram.said.config, key)
  return sceneOf(server, secret, telegram)
}

async function pipeScene(): Promise<Scene> {
  const echo = await Part.start<number>('echo')
  return sceneOf(await Part.start<number>('pipe', String(echo.said)), 'raw', echo)
}

function sceneOf(server: Part<number>, secret: string, behind: AsyncDisposable): Scene {
  return {
    server,
    secret,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await behind[Symbol.asyncDispose]()
    },
  }
}

const clients = <T>({ server, secret }: Scene, task: string, amount: number): Promise<Part<T>> =>
  Part.start<T>('clients', String(server.said), secret, task, String(amount))

async function idleBytes(scene: Scene, count: number): Promise<number> {
  {
    // What is made once, such as code that got hot, is there before it is measured.
    await using _ = await clients(scene, 'idle', 300)
  }
  const before = await scene.server.usage()
  await using _ = await clients(scene, 'idle', count)
  const after = await scene.server.usage()
  return (after.resident - before.resident) / count
}

async function measure(
  scene: Scene,
  counts: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {}
  {
    await using ping = await clients<{ p50: number; p99: number }>(scene, 'ping', 5_000)
    Object.assign(figures, ping.said)
  }
  {
    const before = await scene.server.usage()
    await using come = await clients<{ count: number; seconds: number }>(scene, 'connect', connectSeconds)
    const { count, seconds } = come.said
    figures['connections'] = count / seconds
    figures['handshake'] = (1000 * ((await scene.server.usage()).cpu - before.cpu)) / count
  }
  {
    const before = await scene.server.usage()
    await using bulk = await clients<{ bytes: number }>(scene, 'bulk', bulkMegabytes)
    figures['gigabyte'] = ((await scene.server.usage()).cpu - before.cpu) / 1000 / (bulk.said.bytes / 1e9)
  }
  for (const [figure, count] of Object.entries(counts)) figures[figure] = await idleBytes(scene, count)
  return figures
}

const figures: Readonly<Record<string, Figure>> = {
  few: { unit: 'B', better: 'less' },
  many: { unit: 'B', better: 'less' },
  connections: { unit: '/s', better: 'more' },
  handshake: { unit: 'µs', better: 'less' },
  gigabyte: { unit: 's', better: 'less' },
  p50: { unit: 'ms', better: 'less' },
  p99: { unit: 'ms', better: 'less' },
}

function named(kind: string): Benchmark {
  const secret = secrets[kind as keyof typeof secrets]
  const names: Readonly<Record<string, string>> = {
    few: `resident for each of ${some} idle clients`,
    many: `resident for each of ${many} idle clients`,
    connections: 'clients that come, ask once and go',
    handshake: 'CPU for each of them',
    gigabyte: 'CPU for a gigabyte each way',
    p50: 'echo of 64 bytes, p50',
    p99: 'echo of 64 bytes, p99',
  }
  const say = (found: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(found).map(([figure, value]) => [names[figure] ?? figure, value]))
  return {
    name: `Telegram proxy, ${kind} secrets`,
    figures: Object.fromEntries(
      Object.entries(figures).map(([figure, each]) => [names[figure] ?? figure, each]),
    ),
    runs: 1,
    subjects: [
      {
        name: 'holdfast',
        measure: async () => {
          await using scene = await proxyScene(secret)
          return say(await measure(scene, { few: some, many }))
        },
      },
      {
        name: 'bare pipe of Node, two connections for each client',
        measure: async () => {
          await using scene = await pipeScene()
          return say(await measure(scene, { few: some }))
        },
      },
    ],
  }
}

export const benchmarks: readonly Benchmark[] = Object.keys(secrets).map(named)
