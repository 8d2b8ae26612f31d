import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { npmRelay } from './installations.js'
import { RustRelay, rustRelay } from './nostr-rs-relay.js'

/** A relay of others, in a process of its own. */
export interface RelayProgram extends AsyncDisposable {
  readonly url: string
  /** Kills it, and gives what starts it again; null where it would come back empty. */
  readonly kill: (() => Promise<() => Promise<void>>) | null
}

/** nostr-rs-relay, whose events are on disk. */
export async function startRustRelay(print: (line: string) => void): Promise<RelayProgram> {
  const program = await rustRelay(print)
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-nostr-rs-relay-'))
  const relay = await RustRelay.start(program, directory)
  return {
    url: relay.url,
    async kill() {
      await relay.kill()
      return () => relay.begin()
    },
    async [Symbol.asyncDispose]() {
      await relay.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A relay of `@nostr-relay/core`, which keeps its events in memory. */
export async function startNpmRelay(print: (line: string) => void): Promise<RelayProgram> {
  const directory = await npmRelay(print)
  const child = spawn(process.execPath, [join(directory, 'nostr-relay.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('the relay ended before it listened'))),
  ])) as [Buffer]
  return {
    url: `ws://127.0.0.1:${port.toString().trim()}`,
    kill: null,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
