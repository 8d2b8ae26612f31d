import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodeEnv } from '@holdfast/core/node'
import type { Scorecard } from '@holdfast/core/service'
import {
  eventIntake,
  type NostrEvent,
  nostrMirror,
  openLmdbStore,
  openPolicy,
  relayEndpoint,
  startVerifier,
} from '@holdfast/nostr-sync'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { temporaryFolder } from '../../../../../test-support/temporary-folder.js'
import { TestClient } from '../../support/test-client.js'
import { until } from './until.js'

const run = promisify(execFile)
const alice = new TestAuthor('alice')
const content = 'x'.repeat(4000)
const made = (count: number, from = 0): NostrEvent[] =>
  Array.from({ length: count }, (_, n) =>
    alice.announces(`${from + n}`, { created_at: 1_700_000_000 + from + n, content }),
  )

export async function attackByFullDisk(card: Scorecard): Promise<void> {
  await using directory = await temporaryFolder()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory.path])
  } catch {
    card.note('left out: a tmpfs cannot be mounted here')
    return
  }
  try {
    await published(card, directory.path)
    await fetched(card, directory.path)
  } finally {
    await run('umount', ['--lazy', directory.path])
  }
}

/** By a client, which is told of each event. */
async function published(card: Scorecard, root: string): Promise<void> {
  const ballast = join(root, 'ballast')
  await writeFile(ballast, Buffer.alloc(18 << 20))
  const env = nodeEnv({ name: 'attacked' })
  await using store = await openLmdbStore({ path: join(root, 'published') })
  await using verifier = await startVerifier({ env, workers: 1 })
  await using intake = eventIntake({ env, store, verifier, policy: openPolicy() })
  await using relay = await relayEndpoint({ env, store, intake, at: { uri: 'ws://127.0.0.1:0' } })
  await using client = await TestClient.connect(relay.url)
  const kept: string[] = []
  const refused: NostrEvent[] = []
  const publish = async (event: NostrEvent): Promise<boolean> => {
    client.says({ kind: 'event', event })
    const { accepted, text } = await client.hears('ok', ({ id }) => id === event.id)
    client.heard.splice(0)
    if (!accepted && !text.startsWith('error:')) throw new Error(`unexpected: ${text}`)
    if (accepted) kept.push(event.id)
    else refused.push(event)
    return accepted
  }
  for (const event of made(5000)) {
    await publish(event)
    if (refused.length === 20) break
  }
  card.promise(
    'who publishes is told so',
    refused.length === 20,
    `${kept.length} kept, ${refused.length} refused`,
  )
  card.equal('what was kept is there', kept.length, kept.filter((id) => store.has(id)).length)
  await rm(ballast)
  const again: boolean[] = []
  for (const event of refused.splice(0)) again.push(await publish(event))
  card.equal('with room again all is taken', 20, again.filter(Boolean).length)
}

/** From a relay, which is asked again. */
async function fetched(card: Scorecard, root: string): Promise<void> {
  await rm(join(root, 'published'), { recursive: true, force: true })
  const ballast = join(root, 'ballast')
  await writeFile(ballast, Buffer.alloc(20 << 20))
  const events = made(1000)
  await using relay = await embeddedRelay({ events, verifier: trustingVerifier() })
  const env = nodeEnv({ name: 'attacked' })
  await using store = await openLmdbStore({ path: join(root, 'fetched') })
  await using mirror = await nostrMirror({
    ...{ env, store, domains: ['grasp.example'], policy: openPolicy() },
    ...{ bootstrapRelays: [relay.url], allowPrivateTargets: true },
    relay: { backoff: { base: 1000, cap: 5000 } },
  })
  const from = { kind: 'relay', url: relay.url } as const
  mirror.start()
  await card.seen(
    'events cannot be stored',
    until(() => mirror.intake.counts.of(from, 'failed') > 0),
  )
  const stored = store.size
  await rm(ballast)
  await card.seen(
    'with room again all is fetched',
    until(() => store.size === events.length),
  )
  card.note(`${stored} events were stored before the disk was full`)
}
