import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that kernels give to outgoing connections, unless told otherwise: Linux from 32768 on, others from 49152. */
const [lowest, beyond] = [20_000, 32_768]

/**
 * A TCP port of 127.0.0.1 that is free, and that no outgoing connection will be given: whoever listens there can go away, and come
 * back to it.
 *
 * @example
 * ```ts
 * import { freePort } from '@holdfast/core/testing'
 *
 * const port = await freePort()
 * port < 32_768 // => true
 * ```
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, beyond)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
