import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Acceptor, type Endpoint, end, type Link } from '../src/index.js'
import { RecordingSink } from '../src/testing/index.js'

export const done = end('closed-by-us', { detail: 'the test is over' })

/** A listening acceptor that takes everybody, disposed of with all its links. */
export async function acceptAll(
  acceptor: Acceptor,
  at: Endpoint,
): Promise<{
  endpoint: Endpoint
  links: { link: Link; sink: RecordingSink; remote: Endpoint }[]
  next(): Promise<{ link: Link; sink: RecordingSink; remote: Endpoint }>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}> {
  const links: { link: Link; sink: RecordingSink; remote: Endpoint }[] = []
  const arrivals = new Set<() => void>()
  const accepting = await acceptor.accept(at, {
    incoming(take, remote) {
      const sink = new RecordingSink()
      links.push({ link: take(sink), sink, remote })
      for (const arrived of arrivals) arrived()
    },
    failed: (cause) => {
      throw cause
    },
  })
  let seen = 0
  return {
    endpoint: accepting.endpoint,
    links,
    async next() {
      const index = seen++
      while (links.length <= index) await new Promise<void>((resolve) => arrivals.add(resolve))
      return links[index]!
    },
    close: () => accepting.close(),
    async [Symbol.asyncDispose]() {
      await accepting.close()
      for (const { link } of links) link.destroy(done)
    },
  }
}

/** A bare TCP server whose connections the test plays by hand. */
export async function rawServer(onConnection: (socket: Socket) => void): Promise<{
  port: number
  /** The first connection, once it is there. */
  first: Promise<Socket>
  [Symbol.asyncDispose](): Promise<void>
}> {
  const sockets: Socket[] = []
  let arrived: (socket: Socket) => void = () => {}
  const first = new Promise<Socket>((resolve) => (arrived = resolve))
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
    arrived(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    first,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
