import { freePort } from '../loopback.js'
import { PathRouter } from '../path-router.js'
import { RelayProcess } from '../relay-process.js'
import { PostgresCluster } from '../synapse/postgres-cluster.js'
import type { SynapseDatabase } from '../synapse/synapse-database.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import { type SynapseMain, SynapseWorker } from '../synapse/synapse-process.js'
import { type Bench, type Scenario, Started, seconds, startMain } from './scenario.js'
import { Talker } from './talker.js'
import { WorkerView } from './worker-view.js'

/** `relay` stands between a main process and a worker, through the death of each of the three. */
export function relayStandsBetween(version: SynapseVersion): Scenario {
  return {
    name: `relay-${version}`,
    about: 'a worker follows relay, which follows the main process, through kill -9 of each',
    version,
    run: (bench) => run(bench),
  }
}

async function run(bench: Bench): Promise<void> {
  const { directory, score } = bench
  await using started = new Started()
  const main = await startMain(bench, started, await database(bench, started))
  // The relay begins in the middle: of what was before, it has nothing to give to the worker.
  const alice = await Talker.join(main.baseUrl, 'alice')
  await alice.user.setTyping(alice.room, true)
  await alice.user.setTyping(alice.room, false)
  const relay = await RelayProcess.prepare(main, directory)
  started.add(relay.process)
  await relay.start()
  const router = started.add(new PathRouter(relay.httpPort, main.httpPort))
  const replicationHttpPort = await freePort()
  await router.start(replicationHttpPort)
  const worker = started.add(
    await SynapseWorker.prepare(main, { replicationPort: relay.replicationPort, replicationHttpPort }),
  )
  await worker.start()
  await worker.waitForReplication()

  const view = new WorkerView(alice, worker, score)
  await view.begin()
  await view.follows('while all run')
  await killRelay(relay, worker, view, bench)
  await killMain(main, relay, view, bench)
  await killWorker(worker, view, bench)

  score.equal('messages sent, and seen through the worker', alice.sent.length, view.seen)
  score.equal('typing and account data changed, and seen', view.changed, view.changesSeen)
  const { catchUps, others } = router.routed
  const failed = catchUps.filter(({ status }) => status !== 200)
  if (bench.installation.version !== '1.4.0') {
    const streams = [...new Set(catchUps.map(({ stream }) => stream))].sort().join(' ')
    score.equal('catch-ups over HTTP that the relay did not answer with 200', 0, failed.length)
    score.promise('the worker asked the relay for missed rows', streams.includes('typing'), streams)
    score.note(`${catchUps.length} catch-ups went to the relay, ${others} other calls to the main process`)
  }
}

/** SQLite for 1.4.0. A worker of 1.66.0 can follow `presence` and `to_device` on PostgreSQL only. */
async function database(
  { installation }: Bench,
  started: Started,
): Promise<{ readonly database?: SynapseDatabase }> {
  if (installation.version === '1.4.0') return {}
  const cluster = await PostgresCluster.create()
  started.add({ stop: () => cluster.remove() })
  await cluster.start()
  return { database: await cluster.createDatabase('synapse') }
}

async function killRelay(
  relay: RelayProcess,
  worker: SynapseWorker,
  view: WorkerView,
  { score }: Bench,
): Promise<void> {
  const mark = worker.process.logMark()
  await relay.process.kill9()
  await view.isBlind('without the relay the worker shows nothing new')
  await relay.start()
  const since = performance.now()
  await worker.waitForReplication(mark, { deadlineMs: 90_000 })
  score.note(`the worker was back ${seconds(since)} after the relay`)
  await view.catchesUp('after the restart of the relay')
  await view.follows('after the restart of the relay')
}

async function killMain(
  main: SynapseMain,
  relay: RelayProcess,
  view: WorkerView,
  { score }: Bench,
): Promise<void> {
  const talking = view.alice.sayUntilItFails()
  await view.sees(3)
  const before = (await relay.status())?.server.positions ?? {}
  await main.kill9()
  await talking
  await main.start()
  const since = performance.now()
  await relay.ready()
  score.note(`the relay was back ${seconds(since)} after the main process`)
  const after = (await relay.status())?.server.positions ?? {}
  const back = Object.keys(before).filter((stream) => (after[stream] ?? 0) < (before[stream] ?? 0))
  score.note(`positions that the relay took back: ${back.join(' ') || 'none'}`)
  await view.catchesUp('after the restart of the main process')
  await view.follows('after the restart of the main process')
}

async function killWorker(worker: SynapseWorker, view: WorkerView, { score }: Bench): Promise<void> {
  const mark = worker.process.logMark()
  await worker.kill9()
  await view.alice.say(3)
  const since = performance.now()
  await worker.start()
  await worker.waitForReplication(mark, { deadlineMs: 90_000 })
  score.note(`the worker followed ${seconds(since)} after its start`)
  await view.catchesUp('after the restart of the worker')
  await view.follows('after the restart of the worker')
}
