import { createSocket } from 'node:dgram'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeProfile, readProfile } from '@holdfast/conference'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { Bot } from './support/bot.js'
import { run, start } from './support/program.js'
import { vectorFile } from './support/vectors.js'

describe('the command line', () => {
  it('explains itself and every command, with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    const commands = ['id', 'profile', 'create', 'join', 'chat', 'headless', 'status', 'simulate', 'demo']
    const helps = await Promise.all(commands.map((command) => run(command, '--help')))
    for (const [index, command] of commands.entries()) {
      expect(out).toContain(command)
      expect(helps[index]).toMatchObject({ code: 0, err: '' })
      expect(helps[index]?.out).toMatch(/Examples:\n {2}\$ /)
      expect(helps[index]?.out).toContain(`holdfast-conference ${command}`)
    }
  })

  it('exits with 2 on a wrong command line, and says what is wrong', async () => {
    for (const command of ['chat', 'headless']) {
      expect(await run(command, '--bootstrap', 'somewhere')).toMatchObject({
        code: 2,
        err: expect.stringContaining('It must be HOST:PORT:KEY') as string,
      })
    }
    expect(await run('simulate', '1')).toMatchObject({ code: 2 })
    expect(await run('profile', 'forget')).toMatchObject({ code: 2 })
    const tooLong = ['profile', 'new', '--name', 'ü'.repeat(65), '--profile', '/nowhere/x.tox']
    expect(await run(...tooLong)).toMatchObject({
      code: 2,
      err: expect.stringContaining('at most 128 bytes') as string,
    })
    expect(await run('join', '--friend', '0'.repeat(64))).toMatchObject({
      code: 2,
      err: expect.stringContaining('Nobody can have this key') as string,
    })
    expect(await run('create', '--title', '')).toMatchObject({
      code: 2,
      err: expect.stringContaining('1 to 128 bytes') as string,
    })
  })

  it('exits with 1 when it cannot do what it was asked, and makes nothing', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'nobody.tox')
    for (const command of [['id'], ['create'], ['headless'], ['status']]) {
      const { code, err } = await run(...command, '--profile', path)
      expect(code, command[0]).toBe(1)
      expect(err).toContain(path)
    }
    expect(await run('status', '127.0.0.1:1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('nothing answers at http://127.0.0.1:1') as string,
    })
    for (const command of ['id', 'status', 'headless']) {
      const { code, err } = await run(command, '--profile', join(process.execPath, 'me.tox'))
      expect(code, command).toBe(1)
      expect(err).toContain('cannot be read (ENOTDIR): see what is at that path')
      expect(err).not.toContain('make a profile')
    }
    await writeFile(path, 'a diary')
    expect(await run('profile', 'import', path, '--profile', `${path}.new`)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${path}: this is no Tox save file`) as string,
    })
    await rm(path)
    await expect(stat(`${path}.messages`)).rejects.toThrow('ENOENT')
  })
})

describe('profile, id, create and status', () => {
  it('make somebody new, who has a conference', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'new', 'ada.tox')
    const made = await run('profile', 'new', '--name', 'ada', '--profile', path)
    expect(made.out).toMatch(/^[0-9A-F]{76}\n$/)
    expect((await run('id', '--profile', path)).out).toBe(made.out)
    expect((await run('id', '--key', '--profile', path)).out).toBe(`${made.out.slice(0, 64).toLowerCase()}\n`)
    const { out: identifier } = await run('create', '--title', 'The bridge', '--profile', path)
    expect(identifier).toMatch(/^00[0-9a-f]{64}\n$/)
    const { out } = await run('status', '--json', '--profile', path)
    expect(JSON.parse(out)).toMatchObject({
      name: 'ada',
      network: null,
      conferences: [{ identifier: identifier.trim(), title: 'The bridge', members: [] }],
    })
    expect((await run('status', '--profile', path)).out).toContain('conference 0 The bridge: connected')
  })

  it('spec 9: a save file of the real library comes in and goes out byte for byte', async () => {
    await using folder = await temporaryFolder()
    const [theirs, ours, back] = ['tox_save.tox', 'me.tox', 'back.tox'].map((name) => join(folder.path, name))
    const bytes = Buffer.from((vectorFile('savefile') as { fileHex: string }).fileHex, 'hex')
    await writeFile(theirs ?? '', bytes)
    const taken = await run('profile', 'import', theirs ?? '', '--profile', ours ?? '')
    expect(taken).toMatchObject({ code: 0, err: '' })
    await run('profile', 'export', back ?? '', '--profile', ours ?? '')
    expect(await readFile(back ?? '')).toEqual(bytes)
    const again = await run('profile', 'import', theirs ?? '', '--profile', ours ?? '')
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already') as string })
  })

  it('R24: what a real save file says of conferences is where a run begins, everybody frozen', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'me.tox')
    const bytes = Buffer.from((vectorFile('savefile') as { fileHex: string }).fileHex, 'hex')
    await writeFile(path, bytes)
    const { conferences, friends, name } = readProfile(bytes)
    await using bot = new Bot(path)
    const ready = await bot.event('ready')
    expect(ready['friends']).toHaveLength(friends.length)
    expect(ready['conferences']).toMatchObject(
      conferences.map(({ identifier, peers }) => ({
        identifier,
        members: peers.map(({ realKey }) => ({ realKey, frozen: { why: 'restored' } })),
      })),
    )
    expect(ready['name']).toBe(name)
    await bot.ask({ do: 'close' })
    expect(await bot.program.ended()).toMatchObject({ code: 0 })
    const after = readProfile(await readFile(path))
    expect(after.conferences.map(({ identifier }) => identifier)).toEqual(
      conferences.map(({ identifier }) => identifier),
    )
    // Nothing else has changed.
    expect(
      Buffer.from(changeProfile(await readFile(path), { conferences })).equals(
        Buffer.from(changeProfile(bytes, { conferences })),
      ),
    ).toBe(true)
  })
})

describe('headless', () => {
  it('answers every line, whatever is in it, and one program at a time has a profile', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'ada.tox')
    await run('profile', 'new', '--profile', path)
    await using bot = new Bot(path, '--http', '0')
    await bot.event('ready')
    bot.program.write('nonsense\n{"do":"fly","id":"x"}\n\n{"do":"say","id":88,"conference":0}\n')
    bot.program.write(`${'x'.repeat(100_000)}\n`)
    await bot.program.until(() => (bot.lines.filter(({ ok }) => ok === false).length === 4 ? true : null))
    expect(bot.lines.filter(({ ok }) => ok === false)).toMatchObject([
      { reply: null, why: 'not JSON' },
      { reply: 'x', why: expect.stringMatching(/^do: must be one of create, accept, /) as string },
      { reply: 88, why: 'text: must be a text' },
      { reply: null, why: 'too-long' },
    ])
    expect(await bot.ask({ do: 'create' })).toMatchObject({ ok: true, conference: { phase: 'connected' } })
    expect(await bot.ask({ do: 'say', conference: 0, text: 'x' })).toMatchObject({ why: 'no-connection' })
    expect(await bot.ask({ do: 'title', conference: 7, title: 'x' })).toMatchObject({
      why: 'no-such-conference',
    })
    expect(await bot.ask({ do: 'befriend', friend: 'me' })).toMatchObject({ ok: false })
    const { realKey, toxId } = await bot.event('ready')
    for (const friend of [realKey, toxId]) {
      expect(await bot.ask({ do: 'befriend', friend })).toMatchObject({ ok: false })
    }
    expect(await bot.ask({ do: 'name', name: 'x'.repeat(129) })).toMatchObject({ why: 'too-long' })
    expect(await bot.ask({ do: 'search', conference: 0, words: 'x' })).toMatchObject({ messages: [] })
    const other = await run('headless', '--profile', path)
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('has it open') as string })
    expect(await bot.ask({ do: 'leave', conference: 0 })).toMatchObject({ ok: true })
    expect(await bot.ask({ do: 'list' })).toMatchObject({ conferences: [] })
  })

  it('serves its metrics where `ready` says, those of a flood too', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'ada.tox')
    await run('profile', 'new', '--profile', path)
    await using bot = new Bot(path, '--metrics', '0')
    const { metrics, address } = (await bot.event('ready')) as {
      metrics?: string
      address?: { host: string; port: number }
    }
    await bot.ask({ do: 'create' })
    const socket = createSocket('udp4')
    const junk = Buffer.alloc(145, 0x18)
    const dropped = async (): Promise<string> => {
      socket.send(junk, address?.port ?? 0, address?.host)
      const text = await (await fetch(metrics ?? '')).text()
      expect(text).toMatch(/^holdfast_conference_packets_dropped_total\{reason="unreadable"\} [1-9]/m)
      return text
    }
    const text = await vi.waitFor(dropped, { timeout: 20_000 })
    socket.close()
    expect(text).toMatch(/^holdfast_conference_members\{conference="\w{8}",presence="live"\} 0$/m)
    expect(text).toMatch(/^holdfast_conference_packets_total\{direction="in",way="udp"\} [1-9]/m)
    expect(text).toContain('holdfast_conference_links_up 0')
  })

  it('takes its settings from a file, goes on without input, and drains at SIGTERM', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'ada.tox')
    const config = join(folder.path, 'member.toml')
    await run('profile', 'new', '--name', 'ada', '--profile', path)
    const { out: self } = await run('id', '--key', '--profile', path)
    const friends = JSON.stringify([self.trim(), '1'.repeat(64)])
    await writeFile(
      config,
      `profile = ${JSON.stringify(path)}\nhttp = "0"\nfriend = ${friends}\nneighbour = ["127.0.0.1:1", "[::1]:1"]\n`,
    )
    await using bot = new Bot(null, '--config', config, '--log-level', 'warn')
    bot.program.child.stdin?.end()
    await bot.event('input-ended')
    await bot.program.says(/"host":"::1".*left out: ::1 has no address of IPv4/, 'err')
    expect(await bot.event('ready')).toMatchObject({
      http: expect.stringMatching(/^http:/) as string,
      friends: [{ realKey: '1'.repeat(64) }],
    })
    bot.program.child.kill('SIGTERM')
    expect(await bot.program.ended()).toMatchObject({ code: 0 })
    expect(bot.lines.at(-1)).toMatchObject({ event: 'drained', cut: [], timedOut: false })
  })

  it('ends when whoever reads and writes is gone: it would find the profile in use', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'ada.tox')
    await run('profile', 'new', '--name', 'ada', '--profile', path)
    await using bot = new Bot(path, '--log-level', 'warn')
    await bot.event('ready')
    await bot.program.says(/no way into the network is given/, 'err')
    bot.program.child.stdout?.destroy()
    bot.program.child.stdin?.end()
    expect(await bot.program.ended()).toMatchObject({ code: 0 })
    expect(bot.program.err).toContain('nobody reads what happens any more')
  })
})

describe('chat', () => {
  it('takes what is typed, and says what it cannot do', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'ada.tox')
    await run('profile', 'new', '--name', 'ada', '--profile', path)
    await using chat = start(['chat', '--profile', path, '--listen', '127.0.0.1:0'])
    await chat.says(/your Tox ID: [0-9A-F]{76}/)
    chat.write(
      'hello\n/help\n/fly\n/create\n/title The bridge\n/who\n/nick bea\n/friends\n/history\n/search x\n/quit\n',
    )
    const { code, out } = await chat.ended()
    expect(code).toBe(0)
    for (const said of [
      'there is no conference here',
      '/search WORDS',
      'there is no /fly',
      'the title is The bridge',
      '0 connections, 1 here',
      'you are called bea',
      'no friends yet',
      'nothing before',
      '0 found',
    ]) {
      expect(out).toContain(said)
    }
    expect(readProfile(await readFile(path))).toMatchObject({
      name: 'bea',
      conferences: [{ title: Buffer.from('The bridge') }],
    })
  })
})

describe('simulate and demo', () => {
  it('simulate says how long it takes to heal, the same for the same seed', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(() => run('simulate', '4', '--faults', '5', '--seed', '3')),
    )
    expect(one).toMatchObject({ code: 0, err: '' })
    expect(one?.out).toMatch(/apart, whole again after \d+\.\d s/)
    expect(other?.out).toBe(one?.out)
  })

  it('demo keeps its promises', async () => {
    const { code, out } = await run('demo', '--json')
    const { verdicts } = JSON.parse(out) as { verdicts: { promised: string; held: boolean }[] }
    expect(verdicts.filter(({ held }) => !held)).toEqual([])
    expect(verdicts.length).toBeGreaterThan(8)
    expect(code).toBe(0)
    // Half a minute on an idle machine: only a hang takes so long.
  }, 180_000)
})
