import { MatrixUser } from '../synapse/matrix-user.js'
import { replicationPositions } from '../synapse/replication-positions.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import type { SynapseMain } from '../synapse/synapse-process.js'
import { TailProcess } from '../tail-process.js'
import { Everything } from './everything.js'
import { type Bench, type Scenario, Started, seconds, startMain } from './scenario.js'
import { Talker } from './talker.js'

/** `tail` follows a main process, through the death of either. */
export function tailFollowsMain(version: SynapseVersion): Scenario {
  return {
    name: `tail-${version}`,
    about: 'tail follows a main process, through kill -9 of the main process and of tail',
    version,
    run: (bench) => run(bench),
  }
}

async function run(bench: Bench): Promise<void> {
  const { directory, score, installation } = bench
  await using started = new Started()
  const main = await startMain(bench, started)
  // What was missed comes over HTTP in the second dialect; which one it is, tail finds out.
  const more = installation.version === '1.4.0' ? [] : ['--updates', main.baseUrl]
  const tail = new TailProcess({
    directory,
    follow: ['--server', `127.0.0.1:${main.replicationPort}`, ...more],
  })
  started.add(tail.process)
  await tail.start()

  const alice = await Talker.join(main.baseUrl, 'alice')
  const bob = await MatrixUser.register(main.baseUrl, 'bob')
  await bob.join(alice.room)
  await alice.say(10)
  const everything = new Everything(alice, bob, tail, installation.version)
  await everything.happens('one')
  await everything.hasCome('while all run')

  await killMain(main, tail, alice, bench)
  await alice.say(10)
  await everything.happens('two')
  await everything.hasCome('after the restart of the main process')

  await killTail(main, tail, alice, everything, bench)
  await everything.happens('four')
  await everything.hasCome('after the restart of tail')

  await tail.until('every message has come', () => alice.sent.every((id) => tail.events.has(id)))
  const { events } = tail
  const again = alice.sent.filter((id) => (events.get(id) ?? 0) > 1).length
  score.equal('messages sent, and printed by tail', alice.sent.length, tail.seen(alice.sent))
  score.equal('kinds of row asked for, and printed', everything.wanted, everything.come)
  score.note(`printed more than once: ${again}; sent, but not acknowledged: ${alice.unsure}`)
  score.note(`rows: ${tail.rowCounts()}`)
}

async function killMain(
  main: SynapseMain,
  tail: TailProcess,
  alice: Talker,
  { score }: Bench,
): Promise<void> {
  const talking = alice.sayUntilItFails()
  const before = alice.sent.length
  await tail.until(
    'a message of the traffic has come',
    () => alice.sent.length > before + 5 && tail.events.has(alice.sent[before]!),
  )
  const mark = tail.process.logMark()
  await main.kill9()
  await talking
  const stood = await tail.checkpoint()
  await main.start()
  const since = performance.now()
  const positions = await replicationPositions(main.replicationPort)
  const wanted = [...positions].flatMap(([stream, at]) => (at < (stood.get(stream) ?? 0) ? [stream] : []))
  await tail.ready(mark)
  score.note(`tail was back ${seconds(since)} after the main process`)
  await tail.until('resets are reported', () => wanted.every((stream) => tail.resets.includes(stream)))
  const sorted = (names: readonly string[]) => [...names].sort().join(' ') || 'none'
  score.equal('streams that started over, and those reported', sorted(wanted), sorted(tail.resets))
}

async function killTail(
  main: SynapseMain,
  tail: TailProcess,
  alice: Talker,
  everything: Everything,
  { score }: Bench,
): Promise<void> {
  const half = alice.say(10)
  await tail.process.kill9()
  await half
  await everything.happens('three')
  const positions = await replicationPositions(main.replicationPort)
  const stood = await tail.checkpoint()
  const behind = [...stood].filter(([stream, at]) => at < (positions.get(stream) ?? at))
  score.note(
    `behind when tail comes back: ${behind.map(([stream, at]) => `${stream} ${at} of ${positions.get(stream)}`).join(', ')}`,
  )
  const resets = tail.resets.length
  const since = performance.now()
  await tail.start()
  await everything.hasCome('while tail was down')
  score.note(`tail had caught up ${seconds(since)} after its start`)
  score.equal('resets for tail being away', 0, tail.resets.length - resets)
}
