import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '@holdfast/core/service'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { runSchema, serveSchema } from '../src/cli/config.js'
import { readCertificate, readSigner } from '../src/cli/config-file.js'

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

const inServe = { data: 'x', listen: 'wss://127.0.0.1:7777', certificate: 'c.pem', key: 'k.pem' }

it.each([
  [{ ...inServe, certificate: undefined }, 'listen'],
  [{ ...inServe, key: undefined }, 'listen'],
  [{ ...inServe, listen: 'ws://127.0.0.1:7777' }, 'certificate'],
  [{ ...inServe, authRequired: true }, 'authRequired'],
  [{ ...inServe, listen: 'wss://127.0.0.1:99999' }, 'listen'],
  [{ ...inServe, listen: 'wss://' }, 'listen'],
  [{ ...inServe, domains: ['https://grasp.example'] }, 'domains'],
] as const)('R105: %j is refused, and named is what is wrong: %s', (config, field) => {
  expect(serveSchema.safeParse(config).error?.issues.map(({ path }) => path[0])).toEqual([field])
  expect(serveSchema.safeParse(inServe).success).toBe(true)
})

it.each([
  ['GRASP.Example', 'grasp.example'],
  ['grasp.example.', 'grasp.example'],
  ['grasp.example:443', 'grasp.example'],
  ['grasp.example:8443', 'grasp.example:8443'],
  ['b\u00fccher.example', 'xn--bcher-kva.example'],
  ['[::1]:8443', '[::1]:8443'],
])('R5: our domain %j is compared as %j', (text, domain) => {
  expect(serveSchema.parse({ data: 'x', domains: [text] }).domains).toEqual([domain])
})

it.each([
  '',
  ' ',
  'two words',
  'https://a.example',
  'a.example/',
  'a.example/b',
  'me@a.example',
  'a.example?',
  'a:99999',
])('R5: %j is no domain', (text) => {
  expect(serveSchema.safeParse({ data: 'x', domains: [text] }).success).toBe(false)
})

it('R105: a file that a field names, and that is not what it should be, is told by the name of the field', async () => {
  await using directory = await temporaryFolder()
  const wrong = join(directory.path, 'wrong')
  await writeFile(wrong, 'neither key nor certificate')
  const missing = join(directory.path, 'missing')
  await expect(readSigner(missing)).rejects.toMatchObject({
    code: 'HF_BAD_CONFIG',
    problems: [`authKeyFile: ${missing} cannot be opened (ENOENT); check the path, and who may use it`],
  })
  await expect(readSigner(wrong)).rejects.toThrow(/authKeyFile: .* must hold a secret key/)
  await expect(readCertificate(wrong, missing)).rejects.toThrow(/key: .* cannot be opened/)
  await expect(readCertificate(wrong, wrong)).rejects.toThrow(/no pair of PEM files/)
})

it('R105: the how-to has every field, and an example that is taken', async () => {
  const page = new URL('../../../docs/how-to/mirror-a-grasp-server.md', import.meta.url)
  const text = await readFile(page, 'utf8')
  const limits = Object.keys(runSchema.shape.limits.unwrap().shape).map((name) => `limits.${name}`)
  const fields = [...Object.keys(runSchema.shape).filter((name) => name !== 'limits'), ...limits]
  expect(fields.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  await using directory = await temporaryFolder()
  const file = join(directory.path, 'mirror.toml')
  await writeFile(file, /```toml\n([^]*?)```/.exec(text)?.[1] ?? 'no example')
  const config = await loadConfig({ schema: runSchema, prefix, file, env: {} })
  expect(config).toMatchObject({ domains: ['grasp.example.com'], limits: { clients: 500 } })
})
