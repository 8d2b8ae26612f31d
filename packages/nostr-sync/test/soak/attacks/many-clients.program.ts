/** So many clients of a relay, each with a subscription, in a process of their own; says how many hear the event. */
import { once } from 'node:events'
import { WebSocket } from 'ws'

const [url = '', count = '1'] = process.argv.slice(2)
const sockets: WebSocket[] = []
let heard = 0
let failed = 0

async function connect(): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: 60_000 })
  sockets.push(socket)
  socket.on('error', () => failed++)
  socket.on('message', (data: Buffer) => {
    if (data.toString().startsWith('["EVENT"')) heard++
  })
  await once(socket, 'open').catch(() => undefined)
  if (socket.readyState === WebSocket.OPEN) socket.send('["REQ","all",{"limit":0}]')
}

const say = (fields: object): void => void process.send?.({ ...fields, failed, heard })
process.on('message', (what) => {
  if (what === 'leave') for (const socket of sockets.splice(0)) socket.terminate()
  say({ answer: what })
})
let left = Number(count)
const connectRest = async (): Promise<void> => {
  while (left-- > 0) await connect()
}
await Promise.all(Array.from({ length: 100 }, connectRest))
say({ answer: 'connected' })
