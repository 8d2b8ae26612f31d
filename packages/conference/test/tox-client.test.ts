import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newProfile, readProfile, toxClient } from '@holdfast/conference'
import { silentLog } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'

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
    create: () => newProfile({ secretKey: randomBytes(32), realKey: 'ab'.repeat(32), nospam: 1 }),
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
