import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLmdbStore } from '@holdfast/nostr-sync'
import { embeddedRelay, scriptedRelay, TestAuthor } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { run, start } from './support/program.js'
import { TestClient } from './support/test-client.js'

const alice = new TestAuthor('alice')
const here = { relays: ['wss://grasp.example'], clone: ['https://grasp.example/alice/project.git'] }
const announcement = alice.announces('project', here)
const issue = alice.signs({
  kind: 1621,
  tags: [['a', `30617:${alice.pubkey}:project`]],
  created_at: 1_700_000_001,
})
const ids = [announcement.id, issue.id].sort()

/** Makes a store of nothing. */
async function emptyStore(path: string): Promise<void> {
  await using _store = await openLmdbStore({ path })
}

describe('one relay, once', () => {
  it.each([[], ['--no-negentropy']])(
    'sync fetches what is missing, and says how much: %s',
    async (...more: string[]) => {
      await using directory = await temporaryFolder()
      await using relay = await embeddedRelay({ events: [announcement, issue] })
      const data = join(directory.path, 'store')
      const first = await run('sync', relay.url, '--data', data, '--json', ...more)
      expect(first).toMatchObject({ code: 0, err: '' })
      expect(JSON.parse(first.out)).toMatchObject({ complete: true, saved: 2, failed: 0 })
      const second = await run('sync', relay.url, '--data', data, ...more)
      expect([second.code, second.out]).toEqual([0, expect.stringMatching(/^0 saved, /)])
    },
  )

  it('R103: sync sends what the relay lacks, fetches what we lack, or does both, as it is told', async () => {
    await using directory = await temporaryFolder()
    const [mine, theirs] = [alice.signs({ content: 'mine' }), alice.signs({ content: 'theirs' })]
    await using relay = await embeddedRelay({ events: [issue, theirs] })
    const data = join(directory.path, 'store')
    const file = join(directory.path, 'mine.jsonl')
    await writeFile(file, `${JSON.stringify(issue)}\n${JSON.stringify(mine)}\n`)
    await run('import', file, '--data', data)
    const up = await run('sync', relay.url, '--data', data, '--dir', 'up')
    expect(up).toMatchObject({ code: 0, err: '', out: '1 sent, 0 refused\n' })
    expect(relay.store.has(mine.id)).toBe(true)
    const both = await run('sync', relay.url, '--data', data, '--dir', 'both', '--json')
    expect(JSON.parse(both.out)).toMatchObject({ complete: true, saved: 1, sent: 0, refused: 0 })
    expect(await run('diff', relay.url, '--data', data)).toMatchObject({ code: 0, out: '' })
  })

  it('diff tells what each side lacks, and fetches nothing', async () => {
    await using directory = await temporaryFolder()
    await using relay = await embeddedRelay({ events: [announcement, issue] })
    const data = join(directory.path, 'store')
    await emptyStore(data)
    const before = await run('diff', relay.url, '--data', data, '--json')
    expect(before.code).toBe(1)
    expect((JSON.parse(before.out) as { need: string[] }).need.sort()).toEqual(ids)
    const filtered = await run('diff', relay.url, '--data', data, '--filter', '{"kinds":[1621]}')
    expect(filtered.out).toBe(`+ ${issue.id}\n`)
    await run('sync', relay.url, '--data', data)
    expect(await run('diff', relay.url, '--data', data)).toMatchObject({ code: 0, out: '', err: '' })
  })

  it.each([['diff'], ['sync', '--dir', 'up']])(
    '%s %s %s makes no store where none is',
    async (...command) => {
      await using directory = await temporaryFolder()
      const data = join(directory.path, 'misspelt')
      const [name = '', ...options] = command
      const { code, out, err } = await run(name, 'ws://127.0.0.1:1', '--data', data, ...options)
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain(`${data}: there is no event store to read`)
      expect(await readdir(directory.path)).toEqual([])
    },
  )

  it('R55: sync says why the relay gives nothing', async () => {
    await using directory = await temporaryFolder()
    const refusal = 'blocked: not for you'
    await using relay = await scriptedRelay({ faults: { refusal, negentropy: 'closed' } })
    const { code, err } = await run('sync', relay.url, '--data', join(directory.path, 'store'))
    expect([code, err]).toEqual([1, expect.stringContaining(refusal)])
  })

  it('diff says so where there is no negentropy, sync does without', async () => {
    await using directory = await temporaryFolder()
    await using relay = await scriptedRelay({ events: [announcement], faults: { negentropy: 'closed' } })
    const data = join(directory.path, 'store')
    await emptyStore(data)
    const diff = await run('diff', relay.url, '--data', data)
    expect([diff.code, diff.err]).toEqual([1, expect.stringContaining('does not compare what it has')])
    expect((await run('sync', relay.url, '--data', data)).code).toBe(0)
  })
})

it('run mirrors, serves, keeps its state and stops in order', async () => {
  await using directory = await temporaryFolder()
  await using relay = await embeddedRelay({ events: [announcement, issue] })
  const data = join(directory.path, 'store')
  const config = join(directory.path, 'mirror.json')
  await writeFile(
    config,
    JSON.stringify({
      ...{ data, listen: 'ws://127.0.0.1:0', domains: ['grasp.example'] },
      ...{ bootstrapRelays: [relay.url], allowPrivateTargets: true },
    }),
  )
  await using program = start(['run', '--config', config, '--json'])
  const [, url = ''] = await program.says(/"url":"(ws:[^"]+)"/, 'err')
  await using client = await TestClient.connect(url)
  let polls = 0
  const bootstrapped = (): Promise<string[]> => client.stored(`poll ${polls++}`, {})
  await expect.poll(bootstrapped, { timeout: 20_000, interval: 200 }).toContain(announcement.id)
  program.child.kill('SIGTERM')
  expect((await program.ended()).code).toBe(0)
  const state = JSON.parse(await readFile(join(data, 'relays.json'), 'utf8')) as { relays: { url: string }[] }
  expect(state.relays.map((each) => each.url)).toContain(relay.url)
})

describe('before a mirror opens its store', () => {
  const missing = '/nowhere/at/all'
  it.each([
    [['--metrics', 'here'], 'metrics'],
    [['--http', '70000'], 'http'],
    [['--auth-key-file', missing], 'authKeyFile'],
  ])('it looks at %j', async (options, name) => {
    await using directory = await temporaryFolder()
    const data = join(directory.path, 'store')
    const { code, err } = await run('run', '--data', data, '--domains', 'grasp.example', ...options)
    expect([code, err]).toEqual([2, expect.stringContaining(name)])
    expect(await readdir(directory.path)).toEqual([])
  })

  it('it refuses one that was emptied since relays were fetched from', async () => {
    await using directory = await temporaryFolder()
    await writeFile(join(directory.path, 'data.mdb'), '')
    await writeFile(join(directory.path, 'relays.json'), '{}')
    const mirror = [
      'run',
      '--data',
      directory.path,
      '--domains',
      'grasp.example',
      '--listen',
      'ws://127.0.0.1:0',
    ]
    const { code, err } = await run(...mirror)
    expect([code, err]).toEqual([1, expect.stringContaining('data.mdb is damaged, it is empty')])
    expect((await readdir(directory.path)).toSorted()).toEqual(['data.mdb', 'relays.json'])
  })
})
