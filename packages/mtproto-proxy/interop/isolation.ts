import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'

const upLoopback = 'ip link set lo up'

/** Whether this process sees no network but loopback. */
export function isIsolated(): boolean {
  return Object.values(networkInterfaces()).every((addresses) => addresses?.every(({ internal }) => internal))
}

/** Whether a program can be given a network of its own here: root may, others where user namespaces are allowed. */
export async function isolationFlags(): Promise<readonly string[] | null> {
  for (const flags of [['-n'], ['-rn']]) {
    try {
      await promisify(execFile)('unshare', [...flags, 'sh', '-c', upLoopback])
      return flags
    } catch {
      // Not this way; perhaps the other.
    }
  }
  return null
}

/** Runs this very program again in a network that has nothing but loopback, so that no client can reach Telegram. */
export async function runIsolated(flags: readonly string[], args: readonly string[]): Promise<number> {
  const command = [process.execPath, ...process.execArgv, ...args]
  const child = spawn('unshare', [...flags, 'sh', '-c', `${upLoopback} && exec "$@"`, 'sh', ...command], {
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
