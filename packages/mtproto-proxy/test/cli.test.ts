import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { loadConfig } from '@holdfast/core/service'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { newConfig } from '../src/cli/new-config.js'
import { configSchema } from '../src/config/schema.js'
import { toSettings } from '../src/config/to-settings.js'
import { parseSecret } from '../src/wire/secret.js'
import { run } from './support/program.js'

describe('the command line', () => {
  it('explains itself and every command, with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    const commands = [
      'init',
      'link',
      'secret generate',
      'status',
      'table add',
      'table list',
      'reload',
      'certs init',
      'certs add-node',
    ]
    const helps = commands.map(async (command) => {
      expect(out).toContain(command.split(' ')[0])
      const help = await run(...command.split(' '), '--help')
      expect(help).toMatchObject({ code: 0, err: '' })
      expect(help.out).toMatch(/Examples:\n {2}\$ holdfast-mtproto-proxy/)
    })
    await Promise.all(helps)
  })

  it('exits with 2 on a wrong command line, in commands of commands too, and says what is wrong', async () => {
    const { code, err } = await run('secret', 'generate', '--domain', 'not a host')
    expect(code).toBe(2)
    expect(err).toContain('holdfast-mtproto-proxy: ')
    expect(err).toContain('such as www.example.com')
  })

  it('exits with 2 on a wrong configuration', async () => {
    await using folder = await temporaryFolder()
    const { code, err } = await run('link', '-c', join(folder.path, 'none.toml'))
    expect(code).toBe(2)
    expect(err).toContain('none.toml: cannot be read (ENOENT)')
  })
})

describe('secret generate', () => {
  it('makes a new secret in all forms', async () => {
    const made = JSON.parse(
      (await run('secret', 'generate', '-d', 'www.example.com', '--json')).out,
    ) as Record<string, string>
    const key = Buffer.from(made['key'] ?? '', 'hex')
    expect(parseSecret(made['plain'] ?? '')).toEqual({ kind: 'plain', key })
    expect(parseSecret(made['secure'] ?? '')).toEqual({ kind: 'secure', key })
    expect(parseSecret(made['fakeTls'] ?? '')).toEqual({ kind: 'fake-tls', key, domain: 'www.example.com' })
    const again = await run('secret', 'generate')
    expect(again.out).toMatch(/^secret = "[\da-f]{32}"\n/)
    expect(again.out).not.toContain(made['key'])
  })
})

describe('init and link', () => {
  it('write a configuration to begin with, private, and print its links', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'proxy.toml')
    const init = await run('init', file, '--domain', 'www.example.org', '--port', '8443', '--ip', '192.0.2.1')
    expect(init).toMatchObject({ code: 0, err: '' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const links = await run('link', '-c', file, '--json')
    expect(JSON.parse(links.out)).toMatchObject([
      {
        listener: 'main',
        name: 'main',
        mode: 'fake-tls',
        tg: expect.stringMatching(/^tg:\/\/proxy\?server=192\.0\.2\.1&port=8443&secret=ee/) as unknown,
      },
    ])
    const qr = await run('link', 'main', '-c', file, '--qr', '--host', 'proxy.example.com')
    expect(qr.out).toContain('https://t.me/proxy?server=proxy.example.com&port=8443')
    expect(qr.out).toContain('█')
    // What a proxy found that has run with it.
    const config = {
      cache_dir: folder.path,
      ports: [{ name: 'main', port: 443, secret: 'd0d6e111bada5511fcce9584deadbeef' }],
    }
    await writeFile(join(folder.path, 'any.json'), JSON.stringify(config))
    const found = { version: 1, secret: '', config: '', externalIp: '192.0.2.7' }
    await writeFile(join(folder.path, 'telegram.json'), JSON.stringify(found))
    const looked = await run('link', '-c', join(folder.path, 'any.json'))
    expect(looked).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('server=192.0.2.7') as unknown,
    })
    const nobody = await run('link', 'bob', '-c', file)
    expect(nobody).toMatchObject({
      code: 1,
      err: 'holdfast-mtproto-proxy: there is no enabled secret bob; there are: main\n',
    })
    const before = await readFile(file, 'utf8')
    const again = await run('init', file, '--ip', 'none')
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('--force replaces it') as unknown })
    expect(await readFile(file, 'utf8')).toBe(before)
    await run('init', file, '--ip', 'none', '--force')
    expect(await readFile(file, 'utf8')).not.toBe(before)
  })

  it.each([
    [['init', '--domain', 'münchen.de'], 'the name of a host'],
    [['init', '--ip', 'here'], 'an IP address'],
    [['simulate', '--domain', ''], 'the name of a host'],
    [['run'], 'ports: must have at least one [[ports]]; set it in a file, see --config'],
  ])('%j says what is wrong, and writes nothing', async (args, says) => {
    await using folder = await temporaryFolder()
    const outcome = await run(...args, ...(args[0] === 'init' ? [join(folder.path, 'proxy.toml')] : []))
    expect(outcome).toMatchObject({ code: 2, err: expect.stringContaining(says) as unknown })
    expect(await readdir(folder.path)).toEqual([])
  })

  it.each(['both', 'front', 'back'] as const)('writes one that is right for %s', async (role) => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, `${role}.toml`)
    await run('init', file, '--role', role, '--ip', 'none')
    const settings = toSettings(await loadConfig({ schema: configSchema, prefix: 'X', file, env: {} }))
    expect([settings.role, settings.listeners.length, settings.split !== null]).toEqual([
      role,
      role === 'back' ? 0 : 1,
      role !== 'both',
    ])
    const text = newConfig({ role, port: 1, secret: 'x', domain: 'x', externalIp: '192.0.2.1' })
    expect(text.includes('192.0.2.1')).toBe(true)
  })
})

describe('10 certs', () => {
  it('make certificates by which both halves know each other, and nobody else', async () => {
    await using folder = await temporaryFolder()
    await using foreign = await temporaryFolder()
    const init = await run('certs', 'init', folder.path)
    expect(init).toMatchObject({ code: 0, err: '' })
    expect(init.out).toContain(join(folder.path, 'back.key'))
    const node = await run('certs', 'add-node', folder.path, 'front1')
    expect(node.out).toContain('cert_file = "front1.crt"')
    await run('certs', 'init', foreign.path)
    await run('certs', 'add-node', foreign.path, 'front1')
    for (const file of ['ca', 'back', 'front1'].flatMap((name) => [`${name}.crt`, `${name}.key`])) {
      expect((await stat(join(folder.path, file))).mode & 0o777).toBe(0o600)
    }
    const read = (dir: string, file: string): Promise<Buffer> => readFile(join(dir, file))
    const identity = async (
      dir: string,
      name: string,
    ): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> => ({
      ca: await read(dir, 'ca.crt'),
      cert: await read(dir, `${name}.crt`),
      key: await read(dir, `${name}.key`),
    })
    const server = createServer({ ...(await identity(folder.path, 'back')), requestCert: true }, (socket) => {
      socket.on('error', () => {})
      socket.end([socket.getPeerCertificate().subject.CN].flat().join())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const dial = async (dir: string, name: string): Promise<string> => {
      const { port } = server.address() as AddressInfo
      const socket: TLSSocket = connect({
        host: '127.0.0.1',
        port,
        servername: 'holdfast-back',
        ...(await identity(dir, name)),
      })
      let heard = ''
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      try {
        await once(socket, 'close')
        return heard
      } catch (cause) {
        return (cause as NodeJS.ErrnoException).code ?? ''
      }
    }
    try {
      expect(await dial(folder.path, 'front1')).toBe('front1')
      expect(await dial(foreign.path, 'front1')).not.toBe('front1')
      expect(await dial(folder.path, 'back')).not.toBe('holdfast-back')
    } finally {
      server.close()
    }
  })

  it('replace nothing, and say what is missing', async () => {
    await using folder = await temporaryFolder()
    const early = await run('certs', 'add-node', folder.path, 'front1')
    expect(early).toMatchObject({ code: 1, err: expect.stringContaining('certs init') as unknown })
    await run('certs', 'init', folder.path)
    const before = await readFile(join(folder.path, 'ca.key'), 'utf8')
    const again = await run('certs', 'init', folder.path)
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already') as unknown })
    expect(await readFile(join(folder.path, 'ca.key'), 'utf8')).toBe(before)
    expect(await run('certs', 'add-node', folder.path, '../x')).toMatchObject({ code: 2 })
    expect(await run('certs', 'add-node', folder.path, 'ca')).toMatchObject({ code: 2 })
  })
})
