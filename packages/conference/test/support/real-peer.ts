import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The library that real peers are made of. */
export async function toxcoreVersion(): Promise<string> {
  const { stdout } = await run('pkg-config', ['--modversion', 'toxcore']).catch(() => {
    throw new Error('libtoxcore is not installed: apt-get install libtoxcore-dev gcc pkg-config')
  })
  return stdout.trim()
}

/** Compiles a program in C against the libtoxcore of this host. Returns the program's path. */
export async function buildWithToxcore(source: string, directory: string): Promise<string> {
  await toxcoreVersion()
  const path = join(directory, basename(source, '.c'))
  const { stdout } = await run('pkg-config', ['--cflags', '--libs', 'toxcore'])
  await run('cc', ['-O2', '-o', path, source, ...stdout.trim().split(/\s+/)])
  return path
}

/** Compiles the peer against the libtoxcore of this host. */
export function buildRealPeer(directory: string): Promise<string> {
  return buildWithToxcore(fileURLToPath(new URL('tox-peer.c', import.meta.url)), directory)
}

/** Settings of the peer's program: `udp`, `lan`, `tcp` (the port of a relay that it is, too), `deaf`. */
export type RealPeerSettings = Readonly<Partial<Record<'udp' | 'lan' | 'tcp' | 'deaf', number>>>

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** A peer made of libtoxcore, in a process of its own. */
export class RealPeer implements AsyncDisposable {
  readonly name: string
  realKey = ''
  dhtKey = ''
  port = 0
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #watchers = new Set<() => void>()

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.lines.push(line)
        for (const watch of [...this.#watchers]) watch()
      })
    }
  }

  static async start(path: string, name: string, settings: RealPeerSettings = {}): Promise<RealPeer> {
    const given = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
    const peer = new RealPeer(name, spawn(path, given, { stdio: ['pipe', 'pipe', 'inherit'] }))
    const [, address = '', dhtKey = '', port = '0'] = (await peer.says(/^self /)).split(' ')
    peer.realKey = address.slice(0, 64)
    peer.dhtKey = dhtKey
    peer.port = Number(port)
    await peer.do(`name ${name}`)
    return peer
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Where it is, for others to find it. */
  get place(): {
    readonly dhtKey: string
    readonly address: { readonly host: string; readonly port: number }
  } {
    return { dhtKey: this.dhtKey, address: { host: '127.0.0.1', port: this.port } }
  }

  /** Gives a command. Returns what libtoxcore returned. */
  async do(command: string): Promise<number> {
    const from = this.lines.length
    this.#child.stdin?.write(`${command}\n`)
    const done = await this.says(new RegExp(`^done ${command.split(' ', 1)[0]} `), { from })
    return Number(done.split(' ').at(-1))
  }

  /** Waits for a line that it has said, from the given one on, or will say. */
  says(what: RegExp, o: { readonly from?: number; readonly withinMs?: number } = {}): Promise<string> {
    const { from = 0, withinMs = 30_000 } = o
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
      }
      const look = (): void => {
        const line = this.lines.slice(from).find((said) => what.test(said))
        if (line === undefined) return
        stop()
        resolve(line)
      }
      const timer = setTimeout(() => {
        stop()
        reject(
          new Error(`${this.name} did not say ${what} within ${withinMs} ms; last: ${this.lines.at(-1)}`),
        )
      }, withinMs)
      this.#watchers.add(look)
      look()
    })
  }

  /** Stops it, as a host does that sleeps, or lets it go on. */
  sleep(isAsleep: boolean): void {
    this.#child.kill(isAsleep ? 'SIGSTOP' : 'SIGCONT')
  }

  /** Ends it at once, without a word to its friends. */
  crash(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!alive.has(this.#child)) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin?.end('quit\n')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 2000)
    await gone
    clearTimeout(killer)
  }
}
