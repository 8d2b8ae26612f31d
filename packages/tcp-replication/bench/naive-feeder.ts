import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Feeder } from './fan-out.js'
import { ownCpuSeconds } from './holdfast-feeder.js'
import { lineOf, rowOf } from './row.js'

/** What anybody would write first: it forgets what it has sent, and lets what is not read pile up. */
export async function naiveFeeder(): Promise<Feeder> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    socket.once('data', () => {
      socket.write('POSITION events 0\n')
      sockets.add(socket)
    })
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    protocol: 'replication',
    port: (server.address() as AddressInfo).port,
    append(token, count, stamp) {
      for (let index = 0; index < count; index += 1) {
        const line = lineOf(token + index, JSON.stringify(rowOf(stamp)))
        for (const socket of sockets) socket.write(line)
      }
    },
    cpuSeconds: ownCpuSeconds,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
