import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const version = '0.8.12'

/** Gives the path of nostr-rs-relay, and builds it if it is not there: needs `cargo` and `protoc`, and takes minutes. */
export async function rustRelay(print: (line: string) => void): Promise<string> {
  const cache = process.env['HOLDFAST_INTEROP_CACHE'] ?? join(tmpdir(), 'holdfast-interop')
  const root = join(cache, `nostr-rs-relay-${version}`)
  const program = join(root, 'bin', 'nostr-rs-relay')
  if (existsSync(program)) return program
  print(`building nostr-rs-relay into ${root}`)
  await mkdir(root, { recursive: true })
  const what = ['install', 'nostr-rs-relay', '--version', version, '--locked', '--quiet', '--root', root]
  await run('cargo', what, { maxBuffer: 1 << 26 })
  return program
}

/** A relay written in Rust, in a process of its own; its events are on disk and survive its death. */
export class RustRelay implements AsyncDisposable {
  readonly port: number
  readonly #program: string
  readonly #directory: string
  #child: ChildProcess | null = null

  /** @param directory - empty, or that of an earlier life; stays its owner's to remove */
  static async start(program: string, directory: string): Promise<RustRelay> {
    const relay = new RustRelay(program, directory, await freePort())
    await relay.begin()
    return relay
  }

  private constructor(program: string, directory: string, port: number) {
    this.#program = program
    this.#directory = directory
    this.port = port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Starts the process again. @param subscriptionsPerMinute - 0: as many as anybody wants */
  async begin(subscriptionsPerMinute = 0): Promise<void> {
    const config = join(this.#directory, 'config.toml')
    await writeFile(
      config,
      [
        '[info]',
        'name = "nostr-rs-relay"',
        '[network]',
        'address = "127.0.0.1"',
        `port = ${this.port}`,
        '[limits]',
        `subscriptions_per_min = ${subscriptionsPerMinute}`,
      ].join('\n'),
    )
    const child = spawn(this.#program, ['--db', this.#directory, '--config', config], {
      stdio: 'ignore',
      env: { ...process.env, RUST_LOG: 'error' },
    })
    this.#child = child
    for (;;) {
      if (child.exitCode !== null) throw new Error(`nostr-rs-relay exited with ${child.exitCode}`)
      const isUp = await fetch(this.url.replace('ws', 'http'), {
        headers: { Accept: 'application/nostr+json' },
      }).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isUp) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Kills it, by SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
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
