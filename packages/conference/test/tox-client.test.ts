import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { changeProfile, newProfile, readProfile, toxClient } from '@holdfast/conference'
import { OptionError, silentLog } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { testEnv } from '@holdfast/core/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { drain } from '../src/cli/drain.js'
import { reportStatus } from '../src/cli/status-report.js'
import { whyUnread } from '../src/wire/errors.js'
import { newSavedFriend } from '../src/wire/friends-section.js'

it('a profile that cannot be saved is told of once, and saved when it can be', async () => {
  await using folder = await temporaryFolder()
  const within = join(folder.path, 'within')
  const profile = join(within, 'me.tox')
  await mkdir(within)
  const said: string[] = []
  const log = {
    ...silentLog,
    error: (_: object, text: string) => void said.push(text),
    warn: (fields: object, text: string) => void said.push(`${text} ${JSON.stringify(fields)}`),
  }
  await using client = await toxClient({
    env: nodeEnv({ name: 'test', log }),
    profile,
    create: () => newProfile({ secretKey: randomBytes(32) }),
    listen: { host: '127.0.0.1', port: 0 },
  })
  await rm(within, { recursive: true })
  client.rename('one')
  await client.saved()
  await client.saved()
  expect(said).toEqual(['the profile could not be saved; told once until it works again'])
  await mkdir(within)
  await client.saved()
  expect(said.slice(1)).toEqual([
    expect.stringMatching(/^the profile could not be saved: that is over {"times":\d}$/),
  ])
  expect(readProfile(await readFile(profile)).name).toBe('one')
})

it('who waits for a save, or closes, does not wait for a clock', async () => {
  await using folder = await temporaryFolder()
  const profile = join(folder.path, 'me.tox')
  const client = await toxClient({
    env: testEnv(),
    profile,
    create: () => newProfile({ secretKey: randomBytes(32) }),
    listen: null,
  })
  client.rename('one')
  await client.saved()
  client.rename('two')
  await client.saved()
  expect(readProfile(await readFile(profile)).name).toBe('two')
  client.rename('three')
  await client.close()
  expect(readProfile(await readFile(profile)).name).toBe('three')
})

it('a drain counts the links that were up, not those that were being made', async () => {
  await using folder = await temporaryFolder()
  const env = nodeEnv({ name: 'test', log: silentLog })
  await using client = await toxClient({
    env,
    profile: join(folder.path, 'me.tox'),
    create: () => newProfile({ secretKey: randomBytes(32) }),
    listen: null,
  })
  const address = { host: '127.0.0.1', port: 9 }
  client.befriend(`${'cd'.repeat(31)}0d`, { dhtKey: `${'ef'.repeat(31)}0f`, address })
  await expect.poll(() => client.node.links).toBe(1)
  expect(reportStatus(client).network).toEqual({ address: null, linksUp: 0 })
  expect(await drain(client, env.clock)).toMatchObject({ finished: 0, cut: [] })
})

it('a closed client refuses what it could not save', async () => {
  await using folder = await temporaryFolder()
  const profile = join(folder.path, 'me.tox')
  const client = await toxClient({
    env: testEnv(),
    profile,
    create: () => newProfile({ secretKey: randomBytes(32), name: 'before' }),
    listen: null,
  })
  const { conferences } = client
  const conference = conferences.create() ?? -1
  const [ada, ben] = ['5b'.repeat(32), '5c'.repeat(32)]
  client.befriend(ada)
  await client.close()
  expect(conferences.isClosed).toBe(true)
  expect(conferences.create()).toBe(null)
  expect(client.rename('after')).toBe('closed')
  expect(conferences.setTitle(conference, 'after')).toBe('closed')
  expect(conferences.leave(conference)).toBe('closed')
  client.befriend(ben)
  client.unfriend(ada)
  expect([...client.friends.keys()]).toEqual([ada])
  expect(conferences.list()).toMatchObject([{ conference, title: '' }])
  const saved = readProfile(await readFile(profile))
  expect(saved).toMatchObject({ name: 'before', conferences: [{}], friends: [{ realKey: ada }] })
})

it('a key that nobody can have makes no friend', async () => {
  await using folder = await temporaryFolder()
  await using client = await toxClient({
    env: testEnv(),
    profile: join(folder.path, 'me.tox'),
    create: () => newProfile({ secretKey: randomBytes(32) }),
    listen: null,
  })
  for (const key of ['0'.repeat(64), `01${'0'.repeat(62)}`, '1'.repeat(63), client.node.realKey]) {
    expect(() => client.befriend(key)).toThrow(OptionError)
  }
  expect(client.friends.size).toBe(0)
})

it('a friend in the save file that nobody can be stays there, and does no harm', async () => {
  await using folder = await temporaryFolder()
  const friends = ['0'.repeat(64), '5b'.repeat(32)].map(newSavedFriend)
  const client = await toxClient({
    env: testEnv(),
    profile: join(folder.path, 'me.tox'),
    create: () => changeProfile(newProfile({ secretKey: randomBytes(32) }), { friends }),
    listen: null,
  })
  expect([...client.node.friends.all.keys()]).toEqual(['5b'.repeat(32)])
  await client.close()
  const saved = readProfile(await readFile(join(folder.path, 'me.tox')))
  expect(saved.friends.map(({ realKey }) => realKey)).toEqual(friends.map(({ realKey }) => realKey))
})

it('a profile that may not be read is told as such, and not to be made', () => {
  const failed = (code: string): Error => Object.assign(new Error(code), { code })
  expect(whyUnread('me.tox', failed('ENOENT'), 'make it')).toBe('me.tox is not there: make it')
  for (const code of ['EACCES', 'EPERM']) {
    expect(whyUnread('me.tox', failed(code), 'make it')).toBe(
      `me.tox may not be read by this user (${code}): see who owns it and its folder, or name another`,
    )
  }
  for (const code of ['EISDIR', 'EIO']) {
    expect(whyUnread('me.tox', failed(code), 'make it')).not.toContain('make it')
  }
})
