import type { TestClient } from '../../src/testing/test-client.js'
import { numbered, type RunningProxy } from './running-proxy.js'

/** Clients that each had one answer. */
export async function talkingClients(
  running: Pick<RunningProxy, 'client'>,
  count: number,
): Promise<TestClient[]> {
  const all: TestClient[] = []
  while (all.length < count) {
    const some = Array.from({ length: Math.min(100, count - all.length) }, () => running.client())
    await Promise.all(some.map((client, index) => client.ask(numbered(index))))
    all.push(...some)
  }
  return all
}

/** Keeps sending from every client until stopped, which tells how many packets were sent. */
export function talk(all: readonly TestClient[], everyMs: number): () => Promise<number> {
  let isOver = false
  let sent = 0
  const loops = all.map(async (client, index) => {
    await pause((everyMs * index) / all.length)
    while (!isOver && client.phase === 'ready') {
      sent += 1
      await client.send(numbered(index))
      await pause(everyMs)
    }
  })
  return async () => {
    isOver = true
    await Promise.all(loops)
    return sent
  }
}

/** How many clients' connections are over. */
export function closedOf(all: readonly TestClient[]): number {
  return all.filter(({ phase }) => phase !== 'ready').length
}

/** How the migrations so far went. */
export async function migrationsOf(running: RunningProxy): Promise<Record<string, number>> {
  const results = ['ok', 'parked', 'resent', 'mid_send', 'empty']
  const counts = results.map((result) => running.metric('downstream_migration_total', { result }))
  const pairs = (await Promise.all(counts)).map((count, index) => [results[index] ?? '', count] as const)
  return Object.fromEntries(pairs)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
