import { join } from 'node:path'
import type { Scorecard } from '@holdfast/core/service'
import { openLmdbStore } from '@holdfast/nostr-sync'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { temporaryFolder } from '../../../../../test-support/temporary-folder.js'
import { start } from '../../support/program.js'
import { TestClient } from '../../support/test-client.js'
import { until } from './until.js'

const count = 18_000
const middle = 1_700_000_000 + count / 2
const kills = 12
const alice = new TestAuthor('alice')

export async function attackByKilling(card: Scorecard): Promise<void> {
  const service = { relays: ['wss://grasp.example'], clone: ['https://grasp.example/alice/x.git'] }
  const events = Array.from({ length: count }, (_, n) =>
    alice.announces(`${n}`, { ...service, created_at: 1_700_000_000 + n }),
  )
  card.note(`${count} events are signed`)
  await using relay = await embeddedRelay({ events, verifier: trustingVerifier() })
  await using directory = await temporaryFolder()
  const data = join(directory.path, 'store')
  const args = [
    ...['run', '--data', data, '--domains', 'grasp.example', '--listen', 'ws://127.0.0.1:0'],
    ...['--bootstrap-relays', relay.url, '--allow-private-targets', '--json'],
  ]
  const sizes: number[] = []
  const lost: number[] = []
  let held = new Set<string>()
  for (let kill = 0; kill < kills; kill++) {
    await using program = start(args)
    await program.says(/"url":"ws:/, 'err')
    await new Promise((resolve) => setTimeout(resolve, 300 + 250 * kill))
    await program.kill9()
    await using store = await openLmdbStore({ path: data })
    const now = new Set(events.filter(({ id }) => store.has(id)).map(({ id }) => id))
    lost.push([...held].filter((id) => !now.has(id)).length)
    held = now
    sizes.push(store.size)
  }
  card.note(`stored at each kill: ${sizes.join(', ')}`)
  card.equal(
    'events that were there and are lost',
    0,
    lost.reduce((sum, one) => sum + one, 0),
  )
  await using program = start(args)
  const [, url = ''] = await program.says(/"url":"(ws:[^"]+)"/, 'err')
  await using client = await TestClient.connect(url)
  // Twice, because beyond 10,000 a relay counts roughly.
  const halves = [
    { kinds: [30_617], until: middle - 1 },
    { kinds: [30_617], since: middle },
  ]
  let asked = 0
  const counted = async (): Promise<number> => {
    let sum = 0
    for (const half of halves) {
      const id = `${asked++}`
      client.says({ kind: 'count', subscription: id, filters: [half] })
      sum += (await client.hears('count', ({ subscription }) => subscription === id)).count
    }
    return sum
  }
  await card.seen(
    'in the end it has everything',
    until(async () => (await counted()) >= count, 300_000),
  )
  program.child.kill('SIGTERM')
  await program.ended()
  await using store = await openLmdbStore({ path: data })
  card.equal('events on disk', count, events.filter(({ id }) => store.has(id)).length)
}
