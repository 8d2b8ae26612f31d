import { Player } from '../../packages/conference/src/cli/demo/cast.js'
import { fasterClock } from '../../packages/conference/src/testing/index.js'
import { nodeEnv } from '../../packages/core/src/node/index.js'
import { showPause as pause, showUntil as until } from '../../packages/core/src/service/index.js'
import type { World } from '../world.js'

/** Five peers in one conference, each with a UDP port of its own; their clocks run four times as fast. They talk all the time. */
export async function start(folder: string): Promise<World> {
  const { clock } = nodeEnv({ name: 'conference' })
  const env = nodeEnv({ name: 'conference', clock: fasterClock(clock, 4) })
  const players = ['ada', 'ben', 'cleo', 'dov', 'eve'].map((name) => new Player(name, env, folder))
  const [host, guest] = players
  if (host === undefined || guest === undefined) throw new Error('nobody is there')
  await host.start([])
  host.client.conferences.create()
  for (const player of players.filter((one) => one !== host)) {
    await player.start([host.place])
    player.befriend(host)
    const { realKey } = player.client.node
    await until(
      clock,
      () => host.client.node.friends.all.get(realKey)?.isOnline === true,
      60_000,
      player.name,
    )
    host.client.conferences.invite(0, realKey)
  }
  const together = (): Promise<number> =>
    until(clock, () => players.every((one) => one.isWith(players)), 60_000, 'all to be together')
  await together()
  let done = 0
  let turn = 0
  const talking = clock.sweep(100, () => {
    turn += 1
    const speaker = players[turn % players.length]
    if (speaker?.isRunning && !speaker.network.isDown) speaker.client.conferences.say(0, `number ${turn}`)
    for (const { heard } of players) done += heard.splice(0).length
  })
  return {
    get done() {
      return done
    },
    faults: [
      async () => {
        guest.network.isDown = true
        await pause(clock, 18_000)
        guest.network.isDown = false
        await together()
      },
      async () => {
        await guest.stop()
        await pause(clock, 1000)
        await guest.start([host.place])
        await together()
      },
    ],
    async [Symbol.asyncDispose]() {
      talking.cancel()
      for (const player of players) await player.stop()
    },
  }
}
