import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The built program. */
export const bin = fileURLToPath(new URL('../../bin/holdfast-mtproto-proxy.js', import.meta.url))

/** What a program left behind. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the built program to its end. */
export async function run(...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  await once(child, 'close')
  return { code: child.exitCode, out, err }
}
