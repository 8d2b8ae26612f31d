import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newProfile, readProfile, toxClient } from '@holdfast/conference'
import { silentLog } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { testEnv } from '@holdfast/core/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { drain } from '../src/cli/drain.js'
import { reportStatus } from '../src/cli/status-report.js'

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
