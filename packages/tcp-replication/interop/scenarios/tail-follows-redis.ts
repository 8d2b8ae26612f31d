import { ChannelPositions, RedisProcess } from '../redis-process.js'
import { MatrixUser } from '../synapse/matrix-user.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import type { SynapseMain } from '../synapse/synapse-process.js'
import { TailProcess } from '../tail-process.js'
import { Everything } from './everything.js'
import { type Bench, type Scenario, Started, seconds, startMain } from './scenario.js'
import { Talker } from './talker.js'

/** `tail --redis` follows a main process that replicates over Redis, through the death of each of the three. */
export function tailFollowsRedis(version: SynapseVersion): Scenario {
  return {
    name: `redis-${version}`,
    about:
      'tail follows a main process through Redis, through kill -9 of the main process, of Redis and of tail',
    version,
    run: (bench) => run(bench),
  }
}

interface Stage {
  readonly redis: RedisProcess
  readonly main: SynapseMain
  readonly tail: TailProcess
  readonly alice: Talker
  readonly everything: Everything
}

async function run(bench: Bench): Promise<void> {
  const { directory, score, installation } = bench
  await using started = new Started()
  const redis = await RedisProcess.prepare(directory)
  started.add(redis.process)
  await redis.start()
  const main = await startMain(bench, started, { redisPort: redis.port })
  const where = ['--redis', redis.url, '--server-name', main.serverName, '--updates', main.baseUrl]
  const tail = new TailProcess({ directory, follow: where })
  started.add(tail.process)
  await tail.start()

  const alice = await Talker.join(main.baseUrl, 'alice')
  const bob = await MatrixUser.register(main.baseUrl, 'bob')
  await bob.join(alice.room)
  await alice.say(10)
  const everything = new Everything(alice, bob, tail, installation.version)
  const stage: Stage = { redis, main, tail, alice, everything }
  await everything.happens('one')
  await everything.hasCome('while all run')
  await killMain(stage, bench, started)
  await killRedis(stage, bench)
  await killTail(stage, bench)

  await tail.until('every message has come', () => tail.seen(alice.sent) === alice.sent.length)
  score.equal('messages sent, and printed by tail', alice.sent.length, tail.seen(alice.sent))
  score.equal('kinds of row asked for, and printed', everything.wanted, everything.come)
  const again = alice.sent.filter((id) => (tail.events.get(id) ?? 0) > 1).length
  score.note(`printed more than once: ${again}; sent, but not acknowledged: ${alice.unsure}`)
  const problems = tail.problems.filter(({ kind }) => kind !== 'reset' && kind !== 'not-served')
  score.equal('lines and rows that tail could not understand', 0, problems.length)
  score.note(`rows: ${tail.rowCounts()}`)
}

/** The link to Redis stays; that positions went down is told by the positions alone. */
async function killMain(stage: Stage, { score }: Bench, started: Started): Promise<void> {
  const { redis, main, tail, alice, everything } = stage
  const positions = started.add(await ChannelPositions.on(redis, main.serverName))
  const talking = alice.sayUntilItFails()
  const before = alice.sent.length
  await tail.until(
    'a message of the traffic has come',
    () => alice.sent.length > before + 5 && tail.seen(alice.sent) > before,
  )
  await main.kill9()
  await talking
  const stood = await tail.checkpoint()
  positions.forget()
  await main.start()
  const since = performance.now()
  const now = await positions.first(10)
  const wanted = [...now].flatMap(([stream, at]) => (at < (stood.get(stream) ?? 0) ? [stream] : []))
  await tail.until('resets are reported', () => wanted.every((stream) => tail.resets.includes(stream)))
  const sorted = (names: readonly string[]) => [...names].sort().join(' ') || 'none'
  score.equal('streams that started over, and those reported', sorted(wanted), sorted(tail.resets))
  await alice.say(10)
  await everything.happens('two')
  await everything.hasCome('after the restart of the main process')
  score.note(`everything had come ${seconds(since)} after the restart of the main process`)
}

/** What is published while Redis is away is lost to the channel, and fetched. */
async function killRedis({ redis, tail, alice, everything }: Stage, { score }: Bench): Promise<void> {
  const mark = tail.process.logMark()
  const resets = tail.resets.length
  // Without Redis, Synapse keeps whoever sends a message waiting; what else is stored it acknowledges.
  const sending = alice.say(10)
  await redis.process.kill9()
  await tail.process.waitForLog(/ready → waiting/u, mark)
  const { user } = alice
  await user.setAccountData('org.example.dark', { dark: true })
  const hasCome = () => tail.hasRow('account_data', 'org.example.dark', user.userId)
  tail.read()
  score.promise('what happens without Redis does not come', !hasCome(), hasCome() ? 'it came' : 'it did not')
  await redis.start()
  const since = performance.now()
  await tail.ready(mark)
  await sending
  await tail.until('what happened without Redis has come', hasCome)
  await tail.until('all messages', () => tail.seen(alice.sent) === alice.sent.length)
  score.promise('it is fetched when Redis is back', hasCome(), 'it came')
  await everything.happens('three')
  await everything.hasCome('after the restart of Redis')
  score.note(`everything had come ${seconds(since)} after the restart of Redis`)
  score.equal('resets for Redis being away', 0, tail.resets.length - resets)
}

async function killTail({ tail, alice, everything }: Stage, { score }: Bench): Promise<void> {
  const resets = tail.resets.length
  const half = alice.say(10)
  await tail.process.kill9()
  await half
  await everything.happens('four')
  const since = performance.now()
  await tail.start()
  await everything.hasCome('while tail was down')
  score.note(`everything had come ${seconds(since)} after the restart of tail`)
  score.equal('resets for tail being away', 0, tail.resets.length - resets)
}
