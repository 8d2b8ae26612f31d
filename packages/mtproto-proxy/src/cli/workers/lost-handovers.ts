import type { ChildProcess } from 'node:child_process'

/** How the primary of `node:cluster` hands a client to a worker, and how the worker says that it has it. */
interface ClusterMessage {
  readonly cmd: 'NODE_CLUSTER'
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

function isOfCluster(message: unknown): message is ClusterMessage {
  return typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === 'NODE_CLUSTER'
}

/**
 * Hangs up on clients that were handed to a worker which died before it took them. `node:cluster` keeps its own end of
 * such a connection until the worker says that it has it, and would keep it for ever; and they would wait for ever, where
 * all other clients of that worker come back at once.
 *
 * What it says between processes is its own affair. Should that change, nothing is done here.
 *
 * @param worker - just forked
 * @returns the same
 */
export function hangUpWithWorker(worker: ChildProcess): ChildProcess {
  const offered = new Set<number>()
  const send = worker.send.bind(worker) as (...args: readonly unknown[]) => boolean
  worker.send = (...args: readonly unknown[]) => {
    const [message] = args
    if (isOfCluster(message) && message.act === 'newconn' && message.seq !== undefined) {
      offered.add(message.seq)
    }
    return send(...args)
  }
  return worker
    .on('internalMessage', (message: unknown) => {
      if (isOfCluster(message) && message.ack !== undefined) offered.delete(message.ack)
    })
    .on('exit', () => {
      // As the worker would have said: the primary then closes its end, which by now is the only one.
      for (const ack of offered) worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: true })
    })
}
