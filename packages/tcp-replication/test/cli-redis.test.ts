import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { RedisServer, redisVersion } from '../bench/redis-server.js'
import { run, start } from './support/program.js'

describe('--redis', () => {
  it('exits with 2 where it cannot be followed, and quotes no password', async () => {
    const nameless = await run('tail', '--redis', 'redis://127.0.0.1:1')
    expect(nameless).toMatchObject({ code: 2, out: '' })
    expect(nameless.err).toContain('--redis needs --server-name')
    const wrong = await run('tail', '--server-name', 'x', '--redis', 'http://:hush@127.0.0.1')
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toContain('redis://[USER]')
    expect(wrong.err).not.toContain('hush')
  })

  it('exits with 2 where nothing can be published on it, and has made no log by then', async () => {
    await using folder = await temporaryFolder()
    const data = join(folder.path, 'log')
    const wrong = await run(
      'serve',
      '--data',
      data,
      '--listen',
      '127.0.0.1:0',
      '--redis',
      'redis://:hush%@127.0.0.1',
    )
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toContain('--redis: url must be percent-encoded')
    expect(wrong.err).not.toContain('hush')
    expect(existsSync(data)).toBe(false)
  })
})

describe.skipIf(redisVersion() === null)('--redis (skipped where there is no redis-server)', () => {
  it('serve publishes and tail follows, through kill -9 of Redis', async () => {
    await using folder = await temporaryFolder()
    const first = await RedisServer.start()
    const where = ['--redis', `redis://:hush@127.0.0.1:${first.port}`, '--server-name', 'example.com']
    const listen = ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--json']
    await using serve = start(['serve', '--data', join(folder.path, 'log'), ...where, ...listen])
    const [, http = ''] = await serve.says(/"url":"(http:[^"]+)"/, 'err')
    const append = (row: string) =>
      fetch(`${http}/append?stream=typing`, { method: 'POST', body: `["!room:x",["${row}"]]` })
    await append('one')
    const inspect = ['--inspect', '127.0.0.1:0']
    await using tail = start(['tail', 'typing', '--from', '0', ...where, '--updates', http, ...inspect])
    await tail.says(/typing 1 .*one/)
    const [, inspector = ''] = await tail.says(/(http:\/\/127\.0\.0\.1:\d+\/)/, 'err')
    const metrics = async (): Promise<string> => (await fetch(`${inspector}metrics`)).text()
    await expect.poll(metrics).toContain('holdfast_replication_client_ready 1')
    expect(await metrics()).toContain('holdfast_replication_client_position{stream_name="typing"} 1')
    expect(await metrics()).toContain('holdfast_lifecycles{phase="ready"} 1')
    await append('two')
    await tail.says(/typing 2 .*two/)
    await first.kill()
    await serve.says(/ready → waiting/, 'err')
    await append('three')
    await using _again = await RedisServer.start(first.port)
    await tail.says(/typing 3 .*three/)
    expect(tail.out).toMatch(/^typing 1 .*\ntyping 2 .*\ntyping 3 .*\n$/)
    expect(await (await fetch(`${http}/status`)).json()).toMatchObject({ redis: { phase: 'ready' } })
    expect(serve.err + tail.err).not.toContain('hush')
    serve.child.kill('SIGTERM')
    expect((await serve.ended()).code).toBe(0)
  })
})
