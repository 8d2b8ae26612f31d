/** Connections that say one thing and then only listen: `PORT COUNT TEXT`. */
import { once } from 'node:events'
import { connect } from 'node:net'

const [port, count, text = ''] = process.argv.slice(2)
for (let index = 0; index < Number(count); index += 1) {
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(text)
  await once(socket, 'data')
}
process.on('disconnect', () => process.exit())
process.send?.('listening')
