import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigError, loadConfig, withoutSecrets } from '../src/service/index.js'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = z.strictObject({
  listen: z.string(),
  maxLinks: z.number().int().positive().default(100),
  verbose: z.boolean().default(false),
  peers: z.array(z.string()).default([]),
  upstream: z
    .strictObject({
      uri: z.string().default('tcp://127.0.0.1:1'),
      apiKey: z.string().min(8).meta({ secret: true }).optional(),
    })
    .default({ uri: 'tcp://127.0.0.1:1' }),
})

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const load = (options: { file?: string; env?: Record<string, string>; flags?: Record<string, unknown> }) =>
  loadConfig({ schema, prefix: 'DEMO', env: {}, ...options })

async function problems(options: Parameters<typeof load>[0]): Promise<readonly string[]> {
  const error: unknown = await load(options).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toMatchObject({ code: 'HF_BAD_CONFIG' })
  for (const problem of (error as ConfigError).problems)
    expect((error as ConfigError).message).toContain(problem)
  return (error as ConfigError).problems
}

describe('a configuration', () => {
  it('is read from JSON and from TOML alike', async () => {
    const json = write('a.json', '{"listen": "tcp://a:1", "upstream": {"uri": "tcp://b:2"}}')
    const toml = write('a.toml', 'listen = "tcp://a:1"\n[upstream]\nuri = "tcp://b:2"\n')
    const expected = {
      listen: 'tcp://a:1',
      maxLinks: 100,
      verbose: false,
      peers: [],
      upstream: { uri: 'tcp://b:2' },
    }
    expect(await load({ file: json })).toEqual(expected)
    expect(await load({ file: toml })).toEqual(expected)
  })

  it('takes the environment over the file, and flags over both', async () => {
    const file = write('b.json', '{"listen": "file", "maxLinks": 1, "upstream": {"uri": "file"}}')
    const env = {
      DEMO_LISTEN: 'env',
      DEMO_MAX_LINKS: '2',
      DEMO_UPSTREAM_URI: 'env',
      DEMO_OTHER: 'left alone',
      HOME: '/',
    }
    const flags = { listen: 'flag', 'upstream.apiKey': 'from a flag', verbose: undefined }
    expect(await load({ file, env, flags })).toEqual({
      listen: 'flag',
      maxLinks: 2,
      verbose: false,
      peers: [],
      upstream: { uri: 'env', apiKey: 'from a flag' },
    })
  })

  it('reads text from outside as what the field takes', async () => {
    const env = { DEMO_LISTEN: '7000', DEMO_VERBOSE: 'true', DEMO_PEERS: 'a, b', DEMO_MAX_LINKS: '7' }
    expect(await load({ env })).toMatchObject({
      listen: '7000',
      verbose: true,
      peers: ['a', 'b'],
      maxLinks: 7,
    })
    expect(await load({ env: { ...env, DEMO_PEERS: '["a,b"]' } })).toMatchObject({ peers: ['a,b'] })
  })
})

describe('a wrong configuration', () => {
  it('names each field with its value, where it came from, and the fix', async () => {
    const file = write('c.json', '{"verbose": "yes"}')
    expect(await problems({ file, env: { DEMO_MAX_LINKS: 'many' }, flags: { peers: 7 } })).toEqual([
      'listen: is missing; set it in the file, by DEMO_LISTEN, or by --listen',
      'maxLinks: Invalid input: expected number, received string, got "many" from DEMO_MAX_LINKS; change it there',
      `verbose: Invalid input: expected boolean, received string, got "yes" from ${file}; change it there`,
      'peers: Invalid input: expected array, received number, got 7 from --peers; change it there',
    ])
  })

  it('says what is wrong with a number or a list from outside, and not that it came as text', async () => {
    const names = z.strictObject({ names: z.array(z.string().min(1)), most: z.number().positive() })
    const flags = { names: '', most: '-1' }
    await expect(loadConfig({ schema: names, prefix: 'DEMO', env: {}, flags })).rejects.toMatchObject({
      problems: [
        'names.0: Too small: expected string to have >=1 characters, got [""] from --names; change it there',
        'most: Too small: expected number to be >0, got -1 from --most; change it there',
      ],
    })
  })

  it('suggests the field that was probably meant, or lists them', async () => {
    const file = write('d.json', '{"listen": "x", "max_links": 3, "upstream": {"url": 1}, "quux": 1}')
    expect(await problems({ file })).toEqual([
      'upstream.url: there is no such field; did you mean uri?',
      'max_links: there is no such field; did you mean maxLinks?',
      'quux: there is no such field; there are listen, maxLinks, verbose, peers, upstream, uri, apiKey',
    ])
  })

  it('suggests what the objects of a list may have', async () => {
    const file = write('list.json', '{"ports": [{"port": 1}, {"prot": 2}]}')
    const schema = z.strictObject({
      ports: z.array(z.strictObject({ port: z.number().optional() })).default([]),
    })
    await expect(loadConfig({ schema, prefix: 'DEMO', env: {}, file })).rejects.toMatchObject({
      problems: ['ports.1.prot: there is no such field; there are port'],
    })
  })

  it('never shows a secret', async () => {
    expect(await problems({ env: { DEMO_LISTEN: 'x', DEMO_UPSTREAM_API_KEY: 'hunter2' } })).toEqual([
      'upstream.apiKey: Too small: expected string to have >=8 characters, got [secret] from DEMO_UPSTREAM_API_KEY; change it there',
    ])
    const broken = write('e.json', '{"upstream": {"apiKey": "hunter2",, }}')
    expect(await problems({ file: broken })).toEqual([`${broken}:1: is not valid JSON; mend it there`])
    const yaml = write('e.yaml', 'listen: x\n')
    expect((await problems({ file: yaml }))[0]).toMatch(
      /e\.yaml.*: is not valid JSON; files are read as TOML if their names end in \.toml, and as JSON otherwise$/,
    )
    const brokenToml = write('e.toml', 'listen = "x"\napiKey = "hunter2" oops\n')
    expect((await problems({ file: brokenToml }))[0]).toMatch(
      /e\.toml:2:\d+: is not valid TOML; mend it there$/,
    )
  })

  it('says which file it cannot use', async () => {
    const missing = join(folder, 'none.json')
    expect(await problems({ file: missing })).toEqual([
      `${missing}: cannot be read (ENOENT); check --config, and who may read the file`,
    ])
    const list = write('f.json', '[]')
    expect(await problems({ file: list })).toEqual([`${list}: must hold an object of fields`])
  })

  it('cuts long values short', async () => {
    const [problem] = await problems({ flags: { listen: 'x', maxLinks: 'y'.repeat(1000) } })
    expect(problem?.length).toBeLessThan(250)
  })
})

describe('a configuration that is shown', () => {
  it('has its secrets left out and everything else as it was', async () => {
    const config = await load({ flags: { listen: 'x', 'upstream.apiKey': 'hunter2hunter2' } })
    expect(withoutSecrets(schema, config)).toEqual({
      ...config,
      upstream: { uri: 'tcp://127.0.0.1:1', apiKey: '[secret]' },
    })
    expect(config.upstream.apiKey).toBe('hunter2hunter2')
    const bare = await load({ flags: { listen: 'x' } })
    expect(withoutSecrets(schema, bare)).toEqual(bare)
  })
})
