/** Echoes bytes: what the bare pipe pipes to, and the least that serving a connection costs Node. Says its port. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { answerUsage } from './usage.js'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.pipe(socket)
}).listen(0, '127.0.0.1', 4096)
await once(server, 'listening')
answerUsage((server.address() as AddressInfo).port)
