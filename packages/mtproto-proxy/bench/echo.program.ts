/** Echoes bytes, for the bare pipe to pipe to. Says its port. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.pipe(socket)
}).listen(0, '127.0.0.1', 4096)
await once(server, 'listening')
process.on('disconnect', () => process.exit())
process.send?.((server.address() as AddressInfo).port)
