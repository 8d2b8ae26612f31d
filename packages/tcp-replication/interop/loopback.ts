import { type AddressInfo, connect, createServer } from 'node:net'

/** Every address of the test bed is on this host. */
export const LOOPBACK = '127.0.0.1'

/** A TCP port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, LOOPBACK, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The first line that a server sends by itself, or undefined when it does not answer in time. */
export function greeting(port: number, timeoutMs = 1000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port })
    let text = ''
    const finish = (line: string | undefined) => {
      socket.destroy()
      resolve(line)
    }
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) finish(text.slice(0, end))
    })
  })
}

/** Whether something answers HTTP at this address, with whatever status. */
export async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    await response.arrayBuffer()
    return true
  } catch {
    return false
  }
}
