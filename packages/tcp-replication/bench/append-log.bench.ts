/** How fast sources take rows in, and how fast they give them out. */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppendLog, memorySource, type ReplicationSource } from '@holdfast/tcp-replication'
import type { Benchmark } from '../../../bench/benchmark.js'

const event = [
  'ev',
  [`$${'a'.repeat(43)}`, `!${'b'.repeat(18)}:localhost`, 'm.room.member', null, null, null],
]
const hundred = Array.from({ length: 100 }, () => event)
const seconds = 1.5

/** Calls a second: so many callers, each of which calls again as soon as it has its answer. */
async function rate(callers: number, call: () => unknown): Promise<number> {
  let calls = 0
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) {
        await call()
        calls++
      }
    }),
  )
  return (calls * 1000) / (performance.now() - start)
}

/** Rows a second, in the pages that a server reads. */
async function readRate(source: ReplicationSource): Promise<number> {
  const head = source.head('read')
  const read = async (after: number) => {
    const page = await source.read('read', after, head, { bytes: 256 * 1024 })
    if (page === 'too-old') throw new Error('rows are gone')
    return page
  }
  let rows = 0
  const start = performance.now()
  for (let at = 0; performance.now() - start < seconds * 1000; ) {
    const page = await read(at)
    for (const batch of page.batches) rows += batch.rows.length
    at = page.to === head ? 0 : page.to
  }
  return (rows * 1000) / (performance.now() - start)
}

/** How long one small page from the middle takes, in microseconds. */
async function pageTime(source: ReplicationSource): Promise<number> {
  const middle = Math.floor(source.head('read') / 2)
  const pages = await rate(1, () => source.read('read', middle, middle + 10, { bytes: 65_536 }))
  return 1e6 / pages
}

async function withDirectory<T>(use: (path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    return await use(path)
  } finally {
    await rm(path, { recursive: true })
  }
}

async function measureLog(path: string): Promise<Record<string, number>> {
  await using log = await AppendLog.open({ path, streams: ['one', 'many', 'batches', 'read'] })
  const one = await rate(1, () => log.append('one', [event]))
  const many = await rate(100, () => log.append('many', [event]))
  const batches = await rate(100, () => log.append('batches', hundred))
  for (let token = 1; token < 200_000; token += 1000) {
    await Promise.all(Array.from({ length: 1000 }, () => log.append('read', [event])))
  }
  return {
    'one caller': one,
    '100 callers': many,
    '100 callers, 100 rows each': batches * 100,
    read: await readRate(log),
    'page of 10': await pageTime(log),
  }
}

async function measureMemory(): Promise<Record<string, number>> {
  const source = memorySource({ streams: ['many', 'batches', 'read'], retain: { bytes: 500_000_000 } })
  const many = await rate(100, () => source.append('many', [event]))
  const batches = await rate(100, () => source.append('batches', hundred))
  for (let token = 1; token <= 1_000_000; token++) source.append('read', [event])
  return {
    '100 callers': many,
    '100 callers, 100 rows each': batches * 100,
    read: await readRate(source),
    'page of 10': await pageTime(source),
  }
}

/** The least that durability costs when nobody shares it. */
async function measureFile(path: string): Promise<Record<string, number>> {
  const file = await open(join(path, 'rows'), 'a')
  const line = `${JSON.stringify(event)}\n`
  const one = await rate(1, async () => {
    await file.appendFile(line)
    await file.datasync()
  })
  await file.close()
  return { 'one caller': one }
}

const rows = { unit: 'rows/s', better: 'more' } as const

export const benchmarks: Benchmark[] = [
  {
    name: 'Sources: appending until durable, and reading',
    figures: {
      'one caller': rows,
      '100 callers': rows,
      '100 callers, 100 rows each': rows,
      read: rows,
      'page of 10': { unit: 'µs', better: 'less' },
    },
    subjects: [
      { name: 'AppendLog, 200,000 batches', measure: () => withDirectory(measureLog) },
      { name: 'memorySource, 1,000,000 batches', measure: measureMemory },
      { name: 'a file, one datasync for each row', measure: () => withDirectory(measureFile) },
    ],
    runs: 3,
  },
]
