/** A server that has a past, in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppendLog, memorySource, type ReplicationSource } from '@holdfast/tcp-replication'
import { ownCpuSeconds } from './holdfast-feeder.js'
import { pastRow, pastRows } from './past.js'
import { serve } from './serve.js'

const cleanUp: (() => PromiseLike<unknown>)[] = []

async function logSource(): Promise<ReplicationSource> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const log = await AppendLog.open({ path, streams: ['events'] })
  cleanUp.push(
    () => log.close(),
    () => rm(path, { recursive: true }),
  )
  for (let token = 1; token <= pastRows; ) {
    await log.transaction((tx) => {
      for (const end = token + 10_000; token < end; token += 1) tx.append('events', [pastRow(token)])
    })
  }
  return log
}

function heldSource(): ReplicationSource {
  const source = memorySource({ streams: ['events'] })
  for (let token = 1; token <= pastRows; token += 1) source.append('events', [pastRow(token)])
  return source
}

async function serveWell(source: ReplicationSource): Promise<number> {
  const { server, port } = await serve(source)
  cleanUp.unshift(() => server[Symbol.asyncDispose]())
  return port
}

/** What anybody would write first: one write for each row, and no look at whether it is taken. */
async function serveNaively(): Promise<number> {
  const rows = Array.from({ length: pastRows }, (_, index) => pastRow(index + 1))
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      rows.forEach((row, index) => socket.write(`RDATA events ${index + 1} ${JSON.stringify(row)}\n`))
      socket.write(`POSITION events ${pastRows}\n`)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const kind = process.argv[2]
const port = await (kind === 'naive'
  ? serveNaively()
  : serveWell(kind === 'log' ? await logSource() : heldSource()))
process.on('message', () => process.send?.(ownCpuSeconds()))
process.on('disconnect', () => {
  void (async () => {
    for (const each of cleanUp) await each()
    process.exit()
  })()
})
process.send?.(port)
