/**
 * A follower that is at home on no machine: it knows who is typing in which room, and what it knows is kept in Redis
 * with the position that it was learned up to. Where the process dies, another one goes on, wherever it runs.
 *
 * Start it with the address of a replication server, that of Redis, and a key. Start it a second time with the same key
 * when the first is thought dead, as a scheduler does. If it was not, its next save is refused, because the value belongs
 * to whoever loaded it last, and it ends with exit code 3.
 *
 * - State and position are one value, saved in one step: no crash can separate them.
 * - Rows of a catch-up have no position before its end, and come again if the process dies, or the link is lost,
 *   meanwhile. Each row of `typing` replaces what was known of its room, so that it may come twice.
 */
import { StoreError } from '@holdfast/core'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { redisStore } from '@holdfast/core/redis'
import { replicationClient } from '@holdfast/tcp-replication'
import { Redis } from 'ioredis'
import { z } from 'zod'

const [server = 'tcp://127.0.0.1:9092', redisUrl = 'redis://127.0.0.1:6379', key = 'who-is-typing'] =
  process.argv.slice(2)

const session = z.object({ at: z.number(), typing: z.record(z.string(), z.array(z.string())) })

const redis = new Redis(redisUrl)
redis.on('error', (failure) => console.error(`redis: ${failure.message}`))
const store = redisStore({ redis, key, parse: (json) => session.parse(json) })

// Thawed: from now on nobody else can save it.
const thawed = await store.load()
let typing = thawed?.typing ?? {}
console.log(thawed === undefined ? 'from the beginning' : `from ${thawed.at}`)

const client = replicationClient({
  env: nodeEnv({ name: key }),
  dialer: tcp(),
  endpoints: [{ uri: server }],
  name: key,
  streams: [
    {
      stream: 'typing',
      from: 0,
      // It has no `save`: the position is saved with the state, below.
      store: { load: () => Promise.resolve(thawed ?? null) },
      apply: async ({ rows, position }) => {
        for (const reading of rows) {
          if (reading.kind !== 'row' || reading.stream !== 'typing') continue
          typing[reading.row.roomId] = [...reading.row.userIds]
        }
        if (position === null) return
        await store.save({ at: position, typing }).catch(giveUpIfTaken)
        console.log(`at ${position}`)
      },
      // The server has started over, or has lost rows: nothing of what was known counts.
      reset: () => {
        typing = {}
      },
    },
  ],
})
await client.start()

function giveUpIfTaken(failure: unknown): never {
  if (failure instanceof StoreError && failure.code === 'HF_STORE_IN_USE') {
    console.error('another process has taken over')
    process.exit(3)
  }
  // Redis cannot be asked: the rows come again.
  throw failure
}
