import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scriptedRelay, TestAuthor } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { parseRepositoryRule } from '../src/cli/repository-rule.js'
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
const foreign = alice.announces('elsewhere')
const lines = (...events: readonly unknown[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')

describe('the command line', () => {
  it('explains itself and every command, with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    for (const command of ['serve', 'import', 'export', 'verify', 'status']) {
      expect(out).toContain(command)
      const help = await run(command, '--help')
      expect(help).toMatchObject({ code: 0, err: '' })
      expect(help.out).toMatch(/Examples:\n {2}\$ /)
    }
  })

  it.each([
    [['export', '--data', 'x', '--filter', '{"foo":1}'], 2, 'unknown filter member foo'],
    [['serve', '--data', 'x', '--listen', 'http://x', '--json'], 2, 'It must be ws://HOST:PORT'],
    [
      ['serve', '--data', 'x', '--listen', 'wss://127.0.0.1:7701', '--json'],
      2,
      'It needs certificate and key',
    ],
    [['serve', '--json'], 2, 'data: is missing'],
    [['sync', 'wss://a.example', '--data', 'x', '--domains', 'https://b.example'], 2, 'the name of a host'],
    [['export', '--data', '/nowhere/at/all'], 1, 'there is no event store to read'],
    [['verify', '/nowhere/at/all'], 1, 'ENOENT'],
    [['status', 'http://127.0.0.1:1'], 1, 'was the program started with --http?'],
  ])('%j exits with %i and says why', async (args, code, why) => {
    const ended = await run(...args)
    expect(ended.code).toBe(code)
    expect(ended.err).toContain(why)
  })

  it('R71, R75: imports what a GRASP server takes, whatever the order, and exports it the oldest first', async () => {
    await using directory = await temporaryFolder()
    const file = join(directory.path, 'in.jsonl')
    const data = join(directory.path, 'store')
    await writeFile(file, lines(foreign, issue, announcement, 'no event', announcement))
    const imported = await run('import', file, '--data', data, '--domains', 'grasp.example', '--json')
    expect(imported.err).toBe('')
    expect(JSON.parse(imported.out)).toMatchObject({ saved: 2, rejected: 1, invalid: 1, failed: 0 })
    expect(JSON.parse(imported.out)).toMatchObject({ bad: ['line 4: an event must be an object'] })
    expect((await run('export', '--data', data)).out).toBe(lines(announcement, issue))
    const out = join(directory.path, 'out.jsonl')
    expect((await run('export', out, '--data', data, '--filter', '{"kinds":[1621]}', '--json')).out).toBe(
      '{"exported":1}\n',
    )
    expect(await readFile(out, 'utf8')).toBe(lines(issue))
    expect(await run('verify', data)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^2 valid/) as string,
    })
  })

  it('imports the rest where a line is longer than any event, and says which one it is', async () => {
    await using directory = await temporaryFolder()
    const file = join(directory.path, 'in.jsonl')
    const long = 'x'.repeat(17 * 1024 * 1024)
    await writeFile(file, `${lines(foreign)}\n${long}\n${long}\n${lines(issue)}${long}`)
    const { code, out } = await run('import', file, '--data', join(directory.path, 'store'), '--json')
    const bad = [3, 4, 6].map((line) => `line ${line}: it is longer than 16777216 characters, as no event is`)
    expect([code, JSON.parse(out)]).toMatchObject([0, { saved: 2, duplicate: 0, invalid: 3, bad }])
    const again = await run('import', file, '--data', join(directory.path, 'store'), '--json')
    expect(JSON.parse(again.out)).toMatchObject({ saved: 0, duplicate: 2, invalid: 3 })
  })

  it('an emptied store is neither exported nor verified as one of nothing, and is filled by who may begin anew', async () => {
    await using directory = await temporaryFolder()
    const data = directory.path
    await writeFile(join(data, 'data.mdb'), '')
    for (const command of [
      ['export', '--data', data],
      ['verify', data],
    ])
      expect(await run(...command)).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringContaining('data.mdb is damaged, it is empty') as string,
      })
    // A process that was killed as it made the store leaves the same.
    const file = join(data, 'in.jsonl')
    await writeFile(file, lines(issue))
    expect((await run('import', file, '--data', data)).out).toMatch(/^1 saved, 0 duplicate/)
  })

  it('R90: verifies a file, and names what is wrong', async () => {
    const program = start(['verify', '-', '--json'], {
      input: lines(issue, { ...foreign, sig: issue.sig }, { ...issue, content: 'x' }, {}),
    })
    const { code, out } = await program.ended()
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({
      ...{ valid: 1, malformed: 1, 'bad-id': 1, 'bad-signature': 1, unverified: 0 },
      bad: expect.arrayContaining([
        `line 2: bad-signature: ${foreign.id}`,
        `line 3: bad-id: ${issue.id}`,
        'line 4: malformed: id must be 64 lower-case hex digits',
      ]) as string[],
    })
  })

  it('R104: serves a relay, passes on what is saved, tells status and metrics, and drains at SIGTERM', async () => {
    await using directory = await temporaryFolder()
    await using other = await scriptedRelay()
    const file = join(directory.path, 'saved.jsonl')
    await using program = start([
      ...[
        'serve',
        '--data',
        join(directory.path, 'store'),
        '--listen',
        'ws://127.0.0.1:0',
        '--http',
        '0',
        '--metrics',
        '0',
      ],
      ...['--forward-to', other.url, '--append-to', file, '--json'],
    ])
    const [, uri = ''] = await program.says(/"uri":"(http:[^"]+)"/, 'err')
    const [, url = ''] = await program.says(/"url":"(ws:[^"]+)"/, 'err')
    const [, http = ''] = await program.says(/"url":"(http:[^"]+)"/, 'err')
    await using client = await TestClient.connect(url)
    client.says({ kind: 'event', event: issue })
    expect(await client.hears('ok')).toMatchObject({ accepted: true })
    await expect.poll(() => other.events.length, { timeout: 20_000 }).toBe(1)
    const { out } = await run('status', http)
    expect(out).toMatch(/1 events, 1 clients/)
    expect(out).toContain('from client: 1 saved')
    const metrics = await (await fetch(uri)).text()
    expect(metrics).toContain('holdfast_nostr_events_received_total{relay="client",result="saved"} 1')
    expect(metrics).toContain('holdfast_nostr_events_stored 1')
    program.child.kill('SIGTERM')
    expect(await program.ended()).toMatchObject({
      code: 0,
      out: expect.stringContaining('"drained"') as string,
    })
    await client.until(() => client.closed !== null)
    expect(client.closed?.code).toBe(1001)
    expect(await readFile(file, 'utf8')).toBe(lines(issue))
  })

  it('tells the inspector the metrics that it has, without --metrics', async () => {
    await using directory = await temporaryFolder()
    const data = ['--data', join(directory.path, 'store'), '--listen', 'ws://127.0.0.1:0']
    const mirror = ['run', '--domains', 'grasp.example', ...data, '--inspect', '127.0.0.1:0', '--json']
    await using program = start(mirror)
    const [, url = ''] = await program.says(/"url":"(http:[^"]+)","msg":"inspector"/, 'err')
    const metrics = async (): Promise<string> => (await fetch(`${url}metrics`)).text()
    await expect.poll(metrics, { timeout: 20_000 }).toContain('holdfast_nostr_events_stored 0')
    expect(await metrics()).toContain('holdfast_nostr_verify_seconds')
  })
})

describe('lists of repositories', () => {
  const npub = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg'
  const owner = '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e'
  it.each([
    ['project', { identifier: 'project' }],
    [npub, { owner }],
    [`${npub}/project`, { owner, identifier: 'project' }],
    [`${npub}/`, null],
    [`${npub.slice(0, -1)}q`, null],
    ['npub1', null],
    ['somebody/project', null],
    ['', null],
  ])('%s is %o', (text, rule) => {
    expect(parseRepositoryRule(text)).toEqual(rule)
  })
})
