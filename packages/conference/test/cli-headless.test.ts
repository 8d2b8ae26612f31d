import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { Bot } from './support/bot.js'
import { run } from './support/program.js'

const texts = (lines: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
  lines.map(({ text }) => text)

/** A profile of somebody new; its file and key. */
async function profile(
  folder: string,
  name: string,
): Promise<{ readonly path: string; readonly key: string }> {
  const path = join(folder, `${name}.tox`)
  await run('profile', 'new', '--name', name, '--profile', path)
  const { out } = await run('id', '--key', '--profile', path)
  return { path, key: out.trim() }
}

/** Where a program listens, for `--neighbour`. */
async function placeOf(bot: Bot): Promise<string> {
  const { address } = (await bot.event('ready')) as { address?: { host: string; port: number } }
  return `${address?.host}:${address?.port}`
}

describe('two programs on loopback', () => {
  it('R7, R16, E2, E3: one is killed with -9 and started again: frozen, thawed, and it has missed nothing', async () => {
    await using folder = await temporaryFolder()
    const [ada, ben] = [await profile(folder.path, 'ada'), await profile(folder.path, 'ben')]
    await using a = new Bot(ada.path, '--friend', ben.key, '--inspect', '127.0.0.1:0')
    const neighbour = ['--neighbour', await placeOf(a), '--friend', ada.key]
    const first = new Bot(ben.path, ...neighbour)
    await using _ = first

    await a.event('friend', { changed: 'isOnline' })
    expect(await a.ask({ do: 'create' })).toMatchObject({ ok: true })
    expect(await a.ask({ do: 'invite', conference: 0, friend: ben.key })).toMatchObject({ ok: true })
    const { from, identifier } = await first.event('invited')
    expect(from).toBe(ada.key)
    expect(await first.ask({ do: 'accept', from, identifier })).toMatchObject({ ok: true })
    await first.event('connected')
    await a.event('joined', { who: ben.key })
    await a.event('name', { of: ben.key, name: 'ben' })

    await a.ask({ do: 'say', conference: identifier, text: 'hello ben' })
    await first.event('message', { text: 'hello ben', position: 1 })
    await first.ask({ do: 'act', conference: identifier, text: 'waves' })
    await a.event('message', { text: 'waves', as: 'action' })
    // What we said ourselves is told once it is on disk.
    await first.event('message', { text: 'waves', isOurs: true })

    // The inspector has the metrics, without --metrics.
    const [, url = ''] = /"url":"(http:[^"]+)"/.exec(a.program.err) ?? []
    const metrics = await (await fetch(`${url}metrics`)).text()
    expect(metrics).toContain('holdfast_conference_friends{presence="online"} 1')

    await first.program.kill9()
    for (const text of ['are you there?', 'it seems not']) {
      expect(await a.ask({ do: 'say', conference: identifier, text })).toMatchObject({ ok: true })
    }
    await using second = new Bot(ben.path, ...neighbour)
    await a.event('frozen', { who: ben.key })
    await a.event('thawed', { who: ben.key })
    await second.event('thawed', { who: ada.key })
    await second.event('message', { text: 'it seems not' })
    const missed = second.events('message')
    expect(missed).toMatchObject([
      { text: 'are you there?', from: ada.key, name: 'ada', isLate: true, isOurs: false },
      { text: 'it seems not', isLate: true },
    ])

    // They talk again, in both directions, and nothing is heard twice.
    await second.ask({ do: 'say', conference: identifier, text: 'back again' })
    await a.event('message', { text: 'back again' })
    await a.ask({ do: 'say', conference: identifier, text: 'welcome' })
    await second.event('message', { text: 'welcome' })
    expect(texts(second.events('message'))).toEqual([
      'are you there?',
      'it seems not',
      'back again',
      'welcome',
    ])

    // All of it is on disk, that of the run before too.
    const { messages } = (await second.ask({ do: 'page', conference: identifier })) as {
      messages?: { text: string }[]
    }
    expect(texts(messages ?? [])).toEqual([
      'hello ben',
      'waves',
      'are you there?',
      'it seems not',
      'back again',
      'welcome',
    ])
    expect(await second.ask({ do: 'search', conference: identifier, words: 'SEEMS' })).toMatchObject({
      messages: [{ text: 'it seems not' }],
    })

    // An orderly end is told as such.
    await second.ask({ do: 'close' })
    expect(await second.program.ended()).toMatchObject({ code: 0 })
    await a.event('frozen', { who: ben.key, why: 'said-so' })
  })
})
