import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '@holdfast/core/service'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { runSchema } from '../src/cli/config.js'

const prefix = 'HOLDFAST_NOSTR'

it('R105: flags go before the environment, that before the file, and that before defaults', async () => {
  await using directory = await temporaryFolder()
  const file = join(directory.path, 'mirror.json')
  const inFile = { data: 'file', domains: ['file.example'], maxRelays: 3, listen: 'ws://127.0.0.1:1' }
  await writeFile(file, JSON.stringify(inFile))
  const env = { HOLDFAST_NOSTR_DATA: 'variable', HOLDFAST_NOSTR_MAX_RELAYS: '4' }
  const config = await loadConfig({ schema: runSchema, prefix, file, env, flags: { data: 'flag' } })
  expect(config).toMatchObject({ data: 'flag', maxRelays: 4, domains: ['file.example'], negentropy: 'auto' })
})

it('R105: unknown keys are errors', async () => {
  await using directory = await temporaryFolder()
  const file = join(directory.path, 'mirror.json')
  await writeFile(file, JSON.stringify({ data: 'x', domains: ['a.example'], maxRelay: 3 }))
  await expect(loadConfig({ schema: runSchema, prefix, file, env: {} })).rejects.toThrow(/maxRelay/)
})
