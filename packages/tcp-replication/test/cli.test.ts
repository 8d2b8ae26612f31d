import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Program } from '../../../test-support/program.js'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { run, start } from './support/program.js'

const row = '["!room:x",["@alice:x"]]'

interface Serving extends AsyncDisposable {
  readonly program: Program
  readonly address: string
  readonly http: string
}

/** `serve` on free ports. */
async function serve(data: string, ...more: readonly string[]): Promise<Serving> {
  const args = [
    'serve',
    '--data',
    data,
    '--listen',
    '127.0.0.1:0',
    '--http',
    '127.0.0.1:0',
    '--json',
    ...more,
  ]
  const program = start(args)
  const [, address = ''] = await program.says(/"endpoint":"tcp:\/\/([^"]+)"/, 'err')
  const [, http = ''] = await program.says(/"url":"(http:[^"]+)"/, 'err')
  return { program, address, http, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

describe('the command line', () => {
  it('explains itself and every command, with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    const commands = ['serve', 'append', 'tail', 'relay', 'status', 'probe', 'demo']
    for (const command of commands) {
      expect(out).toContain(command)
      const help = await run(command, '--help')
      expect(help).toMatchObject({ code: 0, err: '' })
      expect(help.out).toMatch(/Examples:\n {2}\$ holdfast-tcp-replication/)
    }
  })

  it('completes commands and options for shells, and prints the script that asks it to', async () => {
    const { out } = await run('complete', '--', 'tail', '--server-')
    expect(out).toMatch(/^--server-name\t/m)
    const script = await run('completion', 'bash')
    expect(script.out).toContain('holdfast-tcp-replication complete --')
  })

  it('exits with 2 on a wrong command line, and says what is wrong', async () => {
    const { code, err } = await run('tail', '--from', 'yesterday')
    expect(code).toBe(2)
    expect(err).toContain('It must be an integer or NOW.')
    const append = await run('append', 'typing', '[]', '--to', 'nonsense://')
    expect(append).toMatchObject({ code: 2 })
    expect(append.err).toContain('It must be a URL or HOST:PORT')
  })

  it('exits with 2 on a wrong configuration, and names the field', async () => {
    const { code, err } = await run('serve', '--data', '/nowhere', '--dialect', 'd3', '--json')
    expect(code).toBe(2)
    expect(err).toContain('dialect: ')
    expect(err).toContain('--dialect')
    const twice = await run('serve', '--data', '/nowhere', '--streams', 'typing,typing', '--json')
    expect(twice.code).toBe(2)
    expect(twice.err).toContain('streams: ')
    expect(twice.err).toContain('--streams')
  })

  it('exits with 1 when it cannot do what it was asked', async () => {
    const { code, err } = await run('status', 'http://127.0.0.1:1')
    expect(code).toBe(1)
    expect(err).toContain('was the program started with --http?')
  })
})

describe('serve, append, tail and status', () => {
  it('bring rows from one end to the other, and go on where a checkpoint is', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'))
    const { address, http } = served
    expect(await run('append', 'typing', row, row, '--to', http)).toEqual({
      code: 0,
      out: 'typing 1\n',
      err: '',
    })
    const checkpoint = join(folder.path, 'at.json')
    const tail = [
      'tail',
      'typing',
      '--server',
      address,
      '--from',
      '0',
      '--once',
      '--json',
      '--checkpoint',
      checkpoint,
    ]
    const first = await run(...tail)
    expect(first).toMatchObject({ code: 0, out: `{"stream":"typing","token":1,"rows":[${row},${row}]}\n` })
    expect(JSON.parse(await readFile(checkpoint, 'utf8'))).toEqual({ typing: { at: 1 } })
    await run('append', 'typing', row, '--to', http)
    const second = await run(...tail)
    expect(second.out).toBe(`{"stream":"typing","token":2,"rows":[${row}]}\n`)
    const status = await run('status', http, '--json')
    expect(JSON.parse(status.out)).toMatchObject({ server: { phase: 'listening', positions: { typing: 2 } } })
  })

  it('exit with 1 where the checkpoint cannot be kept, and name its file', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'))
    await run('append', 'typing', row, '--to', served.http)
    const checkpoint = join(folder.path, 'nowhere', 'at.json')
    const tail = ['tail', 'typing', '--server', served.address, '--from', '0', '--checkpoint', checkpoint]
    const { code, out, err } = await run(...tail, '--once')
    expect(out).toBe(`typing 1 ${row}\n`)
    expect(code).toBe(1)
    expect(err).toContain(checkpoint)
  })

  it('drain on SIGTERM, with a report, and keep the log', async () => {
    await using folder = await temporaryFolder()
    const data = join(folder.path, 'log')
    const served = await serve(data)
    await run('append', 'typing', row, '--to', served.http)
    await using tail = start(['tail', 'typing', '--server', served.address, '--from', '0'])
    await tail.says(/typing 1 /)
    served.program.child.kill('SIGTERM')
    const { code, out } = await served.program.ended()
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ drained: { timedOut: false, cut: [] } })
    await tail.says(/# the server reports: server shutting down/)
    expect(tail.err).not.toContain('the server reports')
    await using again = await serve(data)
    const { out: rows } = await run('tail', 'typing', '--server', again.address, '--from', '0', '--once')
    expect(rows).toBe(`typing 1 ${row}\n`)
  })

  it('go on appending when nobody reads what they say', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'))
    await using append = start(['append', 'typing', '--to', served.http])
    append.child.stdin?.write(`${row}\n`)
    await append.says(/typing 1/)
    append.child.stdout?.destroy()
    append.child.stdin?.end(`${row}\n${row}\n`)
    expect(await append.ended()).toMatchObject({ code: 0, err: '' })
    const status = await run('status', served.http, '--json')
    expect(JSON.parse(status.out)).toMatchObject({ server: { positions: { typing: 3 } } })
  })

  it('say why there is no connection, and exit with 1 once there will be none', async () => {
    const names = ['a', 'b']
    await using folder = await temporaryFolder()
    const path = join(folder.path, 's')
    const peer = createTcpServer((socket) =>
      socket.on('error', () => undefined).end(`SERVER ${names.shift()}\n`),
    )
    await using tail = start(['tail', 'typing', '--server', `unix:${path}`])
    await tail.says(/not connected, trying again: dial-failed: .*ENOENT/, 'err')
    peer.listen(path)
    const { code, err } = await tail.ended()
    peer.close()
    expect(code).toBe(1)
    expect(err).toMatch(/"msg":"cannot be followed any more: .*\bb\b/)
    expect(err).not.toContain('"stack"')
  })

  it('report what cannot be appended', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'))
    const unknown = await run('append', 'weather', row, '--to', served.http)
    expect(unknown).toMatchObject({ code: 1, out: '' })
    expect(unknown.err).toContain('weather')
    const broken = await run('append', 'typing', '{', '--to', served.http)
    expect(broken.err).toContain('not JSON')
  })

  it('append lines that are there at once together, each with a token of its own, up to a bad one', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'), '--http-secret', 's3cret')
    const refused = await run('append', 'typing', row, '--to', served.http)
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain('--http-secret')
    const lines = Array.from({ length: 2000 }, () => row)
    lines[1500] = ''
    lines[1800] = '{'
    await using append = start(['append', 'typing', '--to', served.http, '--http-secret', 's3cret'], {
      input: lines.join('\n'),
    })
    const { code, out, err } = await append.ended()
    expect(out).toBe(Array.from({ length: 1799 }, (_, index) => `typing ${index + 1}\n`).join(''))
    expect(code).toBe(1)
    expect(err).toContain('line 1801 of standard input: not JSON: {; stored before it: 1799')
  })

  it('say once that a stream is not there, and exit with 1 where that was all', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'))
    await run('append', 'typing', row, '--to', served.http)
    const args = ['tail', 'weather', 'typing', '--server', served.address, '--from', '0']
    const once = await run(...args, '--once')
    expect(once).toMatchObject({ code: 1, out: `typing 1 ${row}\n` })
    expect(once.err.match(/the server has no weather/g)).toHaveLength(1)
    await using tail = start(args)
    await tail.says(/typing 1 /)
    tail.child.kill('SIGTERM')
    const { out, err } = await tail.ended()
    expect(out).toMatch(/^# the server has no weather$/m)
    expect(`${out}${err}`.match(/has no weather/g)).toHaveLength(1)
  })

  it('tell the inspector the metrics that they have, without --metrics', async () => {
    await using folder = await temporaryFolder()
    const inspect = ['--inspect', '127.0.0.1:0']
    const listen = ['--listen', '127.0.0.1:0', '--json']
    await using serving = start(['serve', '--data', join(folder.path, 'log'), ...listen, ...inspect])
    const [, address = ''] = await serving.says(/"endpoint":"tcp:\/\/([^"]+)"/, 'err')
    await using tail = start(['tail', 'typing', '--server', address, ...inspect])
    const metricsOf = async (program: Program): Promise<string> => {
      const [, url = ''] = await program.says(/"url":"(http:[^"]+)","msg":"inspector"/, 'err')
      return (await fetch(`${url}metrics`)).text()
    }
    await expect
      .poll(() => metricsOf(serving))
      .toContain('synapse_replication_tcp_resource_total_connections 1')
    expect(await metricsOf(tail)).toContain('holdfast_replication_client_ready 1')
    expect(await metricsOf(tail)).toContain('holdfast_lifecycles{phase=')
  })

  it('take rows from standard input', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'), '--stdin')
    served.program.child.stdin?.end(`not json\n{"stream":"typing","rows":[${row}],"token":7}\n`)
    await using tail = start(['tail', 'typing', '--server', served.address, '--from', '0'])
    await tail.says(/typing 7 /)
    await served.program.says(/a line of standard input was not appended/, 'err')
  })
})

describe('relay', () => {
  it('serves what comes from upstream, under the same name', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'), '--server-name', 'up.example')
    await run('append', 'typing', row, '--to', served.http)
    const data = join(folder.path, 'relay')
    const args = [
      'relay',
      '--upstream',
      served.address,
      '--listen',
      '127.0.0.1:0',
      '--data',
      data,
      '--from',
      '0',
      '--json',
    ]
    await using relay = start(args)
    const [, address = ''] = await relay.says(/"endpoint":"tcp:\/\/([^"]+)"/, 'err')
    const { out } = await run(
      'tail',
      'typing',
      '--server',
      address,
      '--from',
      '0',
      '--once',
      '--server-name',
      'up.example',
    )
    expect(out).toBe(`typing 1 ${row}\n`)
  })
})

describe('probe', () => {
  it('says what answers', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(join(folder.path, 'log'), '--dialect', 'd2')
    const found = await run('probe', served.address, '--json')
    expect(found.code).toBe(0)
    expect(JSON.parse(found.out)).toMatchObject({
      kind: 'replication',
      serverName: 'localhost',
      dialect: 'D2',
    })
    const http = await run('probe', served.http.slice('http://'.length), '--json')
    expect(http.code).toBe(1)
    expect(JSON.parse(http.out)).toMatchObject({ kind: 'http' })
    expect(JSON.parse((await run('probe', '127.0.0.1:1', '--json')).out)).toMatchObject({ kind: 'refused' })
  })

  it('says so when nothing is said', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    silent.on('clientError', () => undefined)
    const { out } = await run('probe', `127.0.0.1:${port}`, '--within', '0.3', '--json')
    expect(JSON.parse(out)).toMatchObject({ kind: 'silent' })
    silent.closeAllConnections()
    await new Promise((resolve) => silent.close(resolve))
  })
})
