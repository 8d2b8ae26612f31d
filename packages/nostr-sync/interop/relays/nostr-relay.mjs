// A relay by @nostr-relay/core: NIP-01 without COUNT and negentropy. Keeps events in memory, and says its port.
import process from 'node:process'
import { EventRepository, EventUtils } from '@nostr-relay/common'
import { NostrRelay } from '@nostr-relay/core'
import { Validator } from '@nostr-relay/validator'
import { WebSocketServer } from 'ws'

class Memory extends EventRepository {
  events = new Map()

  isSearchSupported() {
    return false
  }

  upsert(event) {
    const isDuplicate = this.events.has(event.id)
    this.events.set(event.id, event)
    return { isDuplicate }
  }

  find(filter) {
    return [...this.events.values()]
      .filter((event) => EventUtils.isMatchingFilter(event, filter))
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
      .slice(0, Math.min(filter.limit ?? 100, 500))
  }

  async destroy() {}
}

// It would answer what was asked a second ago as it did then, also what it has been given since.
const relay = new NostrRelay(new Memory(), { filterResultCacheTtl: 0 })
const validator = new Validator()
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
server.on('connection', (socket) => {
  relay.handleConnection(socket)
  socket.on('close', () => relay.handleDisconnect(socket))
  socket.on('error', () => undefined)
  socket.on('message', async (data) => {
    try {
      await relay.handleMessage(socket, await validator.validateIncomingMessage(data))
    } catch (error) {
      socket.send(JSON.stringify(['NOTICE', error.message]))
    }
  })
})
server.on('listening', () => process.stdout.write(`${server.address().port}\n`))
