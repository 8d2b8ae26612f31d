import { PipeProcess } from '../pipe-process.js'
import { RedisProcess } from '../redis-process.js'
import { PostgresCluster } from '../synapse/postgres-cluster.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import { SynapseWorker } from '../synapse/synapse-process.js'
import { type Bench, type Scenario, Started, startMain } from './scenario.js'
import { Talker } from './talker.js'
import { WorkerView } from './worker-view.js'

/** A worker hears of the main process only what `serve --redis` publishes, on a Redis that the main process does not know. */
export function workerFollowsServe(version: SynapseVersion): Scenario {
  return {
    name: `serve-${version}`,
    about:
      'a worker follows serve through Redis, which has it from tail through another Redis; kill -9 of its Redis',
    version,
    run: (bench) => run(bench),
  }
}

async function run(bench: Bench): Promise<void> {
  const { directory, score } = bench
  await using started = new Started()
  const cluster = await PostgresCluster.create()
  started.add({ stop: () => cluster.remove() })
  await cluster.start()
  const [from, to] = [
    await RedisProcess.prepare(directory, 'redis-main'),
    await RedisProcess.prepare(directory),
  ]
  for (const redis of [from, to]) {
    started.add(redis.process)
    await redis.start()
  }
  const database = await cluster.createDatabase('synapse')
  const main = await startMain(bench, started, { database, redisPort: from.port })
  const alice = await Talker.join(main.baseUrl, 'alice')
  started.add(await PipeProcess.start(main, { directory, from, to }))
  const worker = started.add(await SynapseWorker.prepare(main, { redisPort: to.port }))
  await worker.start()
  await worker.waitForReplication()

  const view = new WorkerView(alice, worker, score)
  await view.begin()
  await view.follows('while all run')
  const mark = worker.process.logMark()
  await to.process.kill9()
  await view.isBlind('without its Redis the worker shows nothing new')
  await to.start()
  await worker.waitForReplication(mark, { deadlineMs: 90_000 })
  await view.catchesUp('after the restart of its Redis')
  await view.follows('after the restart of its Redis')
  score.equal('messages sent, and seen through the worker', alice.sent.length, view.seen)
  score.equal('typing and account data changed, and seen', view.changed, view.changesSeen)
}
