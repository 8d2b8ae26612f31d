import { showPause as pause, showUntil as until } from '../../packages/core/src/service/index.js'
import { World as ProxyWorld } from '../../packages/mtproto-proxy/src/cli/demo/world.js'
import type { TestClient } from '../../packages/mtproto-proxy/src/testing/index.js'
import type { World } from '../world.js'

const clientCount = 60
const patience = 30_000

interface Talker {
  readonly client: TestClient
  /** When it was answered last, or began. */
  readonly heardAt: number
}

/** Clients of a proxy before an embedded Telegram, which closes its connections in every way. Who is closed comes back. */
export async function start(): Promise<World> {
  const world = await ProxyWorld.start(1)
  const { clock, telegram } = world
  telegram.rules.answers = (payload) => [payload]
  const begin = (): Talker => ({ client: world.connect(), heardAt: clock.now() })
  const talkers = Array.from({ length: clientCount }, begin)
  let done = 0
  let problem: string | null = null
  const talking = clock.sweep(100, () => {
    for (const [index, { client, heardAt }] of talkers.entries()) {
      // A test's client keeps all that came.
      const answers = client.packets.splice(0).length
      done += answers
      const now = clock.now()
      if (client.ended !== null) talkers[index] = begin()
      else if (answers > 0) talkers[index] = { client, heardAt: now }
      else if (now - heardAt > patience) problem ??= `a client was not answered for ${patience / 1000} s`
      if (client.ended === null) void client.send(Buffer.alloc(64, 1))
    }
  })
  const recovered = async (): Promise<void> => {
    await until(clock, () => world.links.ready > 0 && world.links.parked === 0, patience, 'links to Telegram')
  }
  return {
    get done() {
      return done
    },
    get problem() {
      return problem
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
        await world.halfOpen()
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
      for (const { client } of talkers) await client[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}
