/** A bare pipe of Node in a process of its own: every client gets a connection to the echo server, and nothing is looked at. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { answerUsage } from './usage.js'

const upstream = Number(process.argv[2])
const server = createServer({ noDelay: true }, (client) => {
  const far = connect({ port: upstream, host: '127.0.0.1', noDelay: true })
  client.on('error', () => far.destroy()).on('close', () => far.destroy())
  far.on('error', () => client.destroy()).on('close', () => client.destroy())
  client.pipe(far).pipe(client)
}).listen(0, '127.0.0.1', 4096)
await once(server, 'listening')
answerUsage((server.address() as AddressInfo).port)
