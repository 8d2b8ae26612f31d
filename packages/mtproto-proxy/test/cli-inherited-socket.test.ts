import { createServer, type Server } from 'node:net'
import { expect, it } from 'vitest'
import { fakeTelegram, testClient } from '../src/testing/index.js'
import { ConnectLoop } from './support/connect-loop.js'
import { ProxyProcess } from './support/proxy-process.js'
import { numbered, secret } from './support/running-proxy.js'

/** A socket that listens and that this process itself does not accept on, as a service manager holds one. */
async function heldSocket(): Promise<{ server: Server; port: number; fd: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  return { server, port, fd }
}

const cases = [
  ['a process', []],
  ['workers', ['--workers', '2']],
] as const

it.each(cases)(
  '13 a socket from the service manager: %s take over from others, and nobody is refused',
  {
    timeout: 60_000,
  },
  async (_who, flags) => {
    await using telegram = await fakeTelegram({ dcIds: [2] })
    const { server, port, fd } = await heldSocket()
    const config = { ports: [{ name: 'main', port, listen_fd: 3, secret }] }
    await using first = await ProxyProcess.start({ telegram, config, flags, inherits: fd })
    // The second one has the socket from the beginning, and waits: we give ours up, so that we accept nobody.
    await using second = await ProxyProcess.prepare({ telegram, config, flags, inherits: fd })
    server.close()
    await using loop = ConnectLoop.start(port)
    await loop.until(() => loop.answered > 20)
    await second.go()
    await first.stop()
    const { answered } = loop
    await loop.until(() => loop.answered > answered + 20)
    await loop.stop()
    expect(loop.refused).toEqual([])
    expect(first.ended.code).toBe(0)
    await using client = testClient({ port, secret })
    expect(await client.ask(numbered(1))).toEqual(numbered(1))
  },
)
