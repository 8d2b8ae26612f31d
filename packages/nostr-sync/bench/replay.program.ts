/**
 * The cheapest relay that there can be, in a process of its own, with COUNT events of `signed-events.ts`: `COUNT`. It answers
 * negentropy, and requests for ids from texts made beforehand, so that what is measured is not its own work.
 */
import {
  formatRelayMessage,
  NegentropyResponder,
  negentropyFromHex,
  negentropyItems,
  negentropyToHex,
  readClientMessage,
} from '@holdfast/nostr-sync'
import { WebSocketServer } from 'ws'
import { manyComments } from './signed-events.js'

const events = manyComments(Number(process.argv[2]))
const texts = new Map(events.map((event) => [event.id, JSON.stringify(event)]))
const items = negentropyItems(events.map(({ created_at, id }) => [created_at, id] as const))

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket) => {
  const responder = new NegentropyResponder(items)
  socket.on('message', (data: Buffer) => {
    const message = readClientMessage(data.toString())
    if (message.kind === 'req') {
      const { subscription, filters } = message
      for (const id of filters.flatMap(({ ids = [] }) => ids))
        socket.send(`["EVENT","${subscription}",${texts.get(id) ?? ''}]`)
      socket.send(formatRelayMessage({ kind: 'eose', subscription }))
    } else if (message.kind === 'neg-open' || message.kind === 'neg-msg') {
      const { subscription } = message
      const answer = negentropyToHex(responder.reconcile(negentropyFromHex(message.message)))
      socket.send(formatRelayMessage({ kind: 'neg-msg', subscription, message: answer }))
    }
  })
})
server.on('listening', () => {
  const address = server.address()
  process.send?.(`ws://127.0.0.1:${typeof address === 'string' ? '' : address?.port}`)
})
process.on('disconnect', () => process.exit())
