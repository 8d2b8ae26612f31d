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
const program = readFileSync('packages/mtproto-proxy/bin/holdfast-mtproto-proxy.js', 'utf8')
/** As the program starts itself. */
const [, ...words] = program.slice(0, program.indexOf('\n')).split(' ')
const env: NodeJS.ProcessEnv = { ...process.env }
for (const word of words) {
  const [, name, value] = /^(\w+)=(.*)$/.exec(word) ?? []
  if (name !== undefined) env[name] = value
}
const execArgv = ['--expose-gc', ...words.filter((word) => word.startsWith('--'))]
const key = 'd0d6e111bada5511fcce9584deadbeef'
const domain = Buffer.from('www.example.com').toString('hex')
const secrets = { plain: key, dd: `dd${key}`, ee: `ee${key}${domain}` } as const

/** What the limit of descriptors leaves room for, of clients with one connection each. */
const room = descriptorLimit() - 500
const some = Math.min(3_000, room)
const many = Math.min(20_000, room)
/** Rounds of each figure that a moment of the machine can spoil: their median is told. */
const rounds = 3
const connectSeconds = 3
const bulkMegabytes = 200
/** Of each task: what is made once, such as code that got hot, is there before it is measured. */
const warmup = { idle: 300, connect: 3, bulk: 200, ping: 500 } as const
/** A machine that is this much slower than usual has no figures to tell. */
const taskWithin = 180_000

function descriptorLimit(): number {
  const [, soft = ''] = /Max open files\s+(\w+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return soft === 'unlimited' ? Infinity : Number(soft)
}

/** A process that said what it had to say at its start. */
class Part<T> implements AsyncDisposable {
  readonly said: T
  readonly #child: ChildProcess

  static async start<T>(program: string, ...args: readonly string[]): Promise<Part<T>> {
    const child = fork(await bundle(`${folder}/${program}.program.ts`), args, { execArgv, env })
    return new Part(child, await told<T>(child, `${program} ${args.slice(2).join(' ')}`))
  }

  constructor(child: ChildProcess, said: T) {
    this.#child = child
    this.said = said
  }

  async usage<K extends keyof Usage>(asked: K): Promise<Usage[K]> {
    this.#child.send(asked)
    return told<Usage[K]>(this.#child, asked)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

/** The next that a process says; one that ends, or says nothing for too long, has failed, and is gone. */
async function told<T>(child: ChildProcess, what: string): Promise<T> {
  const over = new AbortController()
  const stop = (): void => over.abort()
  child.once('exit', stop)
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(taskWithin)])
  try {
    const [said] = (await once(child, 'message', { signal })) as [T]
    return said
  } catch (cause) {
    child.kill('SIGKILL')
    throw new Error(`${what}: ended, or said nothing for ${taskWithin / 1000} s`, { cause })
  } finally {
    child.off('exit', stop)
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

async function echoScene(): Promise<Scene> {
  return sceneOf(await Part.start<number>('echo'), 'raw')
}

function sceneOf(server: Part<number>, secret: string, behind?: AsyncDisposable): Scene {
  return {
    server,
    secret,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await behind?.[Symbol.asyncDispose]()
    },
  }
}

const clients = <T>({ server, secret }: Scene, task: string, amount: number): Promise<Part<T>> =>
  Part.start<T>('clients', String(server.said), secret, task, String(amount))

/** What clients found, and the CPU time that the server took for them, in milliseconds. */
async function taskOf<T>(scene: Scene, task: string, amount: number): Promise<T & { cpu: number }> {
  const before = await scene.server.usage('cpu')
  await using done = await clients<T>(scene, task, amount)
  return { ...done.said, cpu: (await scene.server.usage('cpu')) - before }
}

/** Each figure is the median of its rounds. */
async function inRounds<T>(
  measure: () => Promise<T>,
  figuresOf: (found: T) => Record<string, number>,
): Promise<Record<string, number>> {
  const found: Record<string, number>[] = []
  for (let round = 0; round < rounds; round += 1) found.push(figuresOf(await measure()))
  const median = (name: string): number =>
    found.map((each) => each[name] ?? NaN).sort((a, b) => a - b)[rounds >> 1] ?? NaN
  return Object.fromEntries(Object.keys(found[0] ?? {}).map((name) => [name, median(name)]))
}

async function idleKilobytes(scene: Scene, count: number): Promise<number> {
  const before = await scene.server.usage('resident')
  await using _ = await clients(scene, 'idle', count)
  const after = await scene.server.usage('resident')
  return (after - before) / count / 1000
}

const warmUp = (scene: Scene, task: keyof typeof warmup): Promise<unknown> =>
  taskOf(scene, task, warmup[task])

function connections(scene: Scene): Promise<Record<string, number>> {
  return inRounds(
    () => taskOf<{ count: number; seconds: number }>(scene, 'connect', connectSeconds),
    ({ count, seconds, cpu }) => ({ connections: count / seconds, handshake: (1000 * cpu) / count }),
  )
}

/** @param counts - how many idle clients, by the name of the figure */
async function memory(
  scene: Scene,
  counts: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  await warmUp(scene, 'idle')
  const idle: Record<string, number> = {}
  for (const [figure, count] of Object.entries(counts)) idle[figure] = await idleKilobytes(scene, count)
  return idle
}

async function work(scene: Scene): Promise<Record<string, number>> {
  for (const task of ['connect', 'bulk', 'ping'] as const) await warmUp(scene, task)
  return {
    ...(await connections(scene)),
    ...(await inRounds(
      () => taskOf<{ bytes: number }>(scene, 'bulk', bulkMegabytes),
      ({ bytes, cpu }) => ({ gigabyte: cpu / 1000 / (bytes / 1e9) }),
    )),
    ...(await inRounds(
      () => taskOf<{ p50: number; p99: number }>(scene, 'ping', 3_000),
      ({ p50, p99 }) => ({ p50, p99 }),
    )),
  }
}

/**
 * In two scenes: to measure memory, garbage is collected by force, and a heap that was just shrunk collects more often
 * than one at work.
 */
async function measure(
  open: () => Promise<Scene>,
  counts: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const inScene = async (
    act: (scene: Scene) => Promise<Record<string, number>>,
  ): Promise<Record<string, number>> => {
    await using scene = await open()
    return await act(scene)
  }
  return { ...(await inScene((scene) => memory(scene, counts))), ...(await inScene(work)) }
}

const figures: Readonly<Record<string, Figure>> = {
  few: { unit: 'kB', better: 'less' },
  many: { unit: 'kB', better: 'less' },
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
        measure: async () => say(await measure(() => proxyScene(secret), { few: some, many })),
      },
      {
        name: 'bare pipe of Node, two connections for each client',
        // It has two connections for each client.
        measure: async () => say(await measure(pipeScene, { few: some, ...(2 * many <= room && { many }) })),
      },
      {
        // What no program in Node can do without.
        name: 'bare echo of Node, one connection for each client',
        measure: async () => {
          await using scene = await echoScene()
          await warmUp(scene, 'connect')
          return say(await connections(scene))
        },
      },
    ],
  }
}

export const benchmarks: readonly Benchmark[] = Object.keys(secrets).map(named)
