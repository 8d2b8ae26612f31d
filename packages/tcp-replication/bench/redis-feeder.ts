import type { Feeder } from './fan-out.js'
import { command, RedisServer } from './redis-server.js'
import { lineBytes, lineOf, rowOf } from './row.js'

const heldRows = String(Math.floor((4 * 1024 * 1024) / lineBytes))

/**
 * Redis Streams: a group of rows is one write of as many XADDs, and each subscriber has a connection on which it
 * waits in XREAD. The processor time is that of redis-server alone, without whoever appends.
 */
export async function redisFeeder(): Promise<Feeder> {
  const redis = await RedisServer.start()
  const producer = await redis.producer()
  return {
    protocol: 'redis',
    port: redis.port,
    append(token, count, stamp) {
      let text = ''
      for (let index = 0; index < count; index += 1) {
        const line = lineOf(token + index, JSON.stringify(rowOf(stamp)))
        text += command('XADD', 's', 'MAXLEN', '~', heldRows, `${token + index}-1`, 'l', line)
      }
      producer.write(text)
    },
    cpuSeconds: () => redis.cpuSeconds(),
    async [Symbol.asyncDispose]() {
      producer.destroy()
      await redis[Symbol.asyncDispose]()
    },
  }
}
