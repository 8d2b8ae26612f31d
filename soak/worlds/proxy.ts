import { showPause as pause, showUntil as until } from '../../packages/core/src/service/index.js'
import { World as ProxyWorld } from '../../packages/mtproto-proxy/src/cli/demo/world.js'
import type { TestClient } from '../../packages/mtproto-proxy/src/testing/index.js'
import type { World } from '../world.js'

const clientCount = 60

/** Clients of a proxy before an embedded Telegram, which closes its connections in every way. Who is closed comes back. */
export async function start(): Promise<World> {
  const world = await ProxyWorld.start(1)
  const { clock, telegram } = world
  telegram.rules.answers = (payload) => [payload]
  const clients: TestClient[] = Array.from({ length: clientCount }, () => world.connect())
  let done = 0
  const talking = clock.sweep(100, () => {
    for (const [index, client] of clients.entries()) {
      // A test's client keeps all that came.
      done += client.packets.splice(0).length
      if (client.ended === null) void client.send(Buffer.alloc(64, 1))
      else clients[index] = world.connect()
    }
  })
  const recovered = async (): Promise<void> => {
    await until(clock, () => world.links.ready > 0 && world.links.parked === 0, 30_000, 'links to Telegram')
  }
  return {
    get done() {
      return done
    },
    faults: [
      async () => {
        await world.rotate('fin')
        await recovered()
      },
      async () => {
        await world.rotate('rst')
        await recovered()
      },
      async () => {
        telegram.rules.handshakeDelay = 500
        world.closeAll('rst')
        await pause(clock, 500)
        await recovered()
        telegram.rules.handshakeDelay = 0
      },
    ],
    async [Symbol.asyncDispose]() {
      talking.cancel()
      for (const client of clients) await client[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}
