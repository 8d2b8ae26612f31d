import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { testClient } from '../src/testing/index.js'
import { bin, run } from './support/program.js'
import { numbered } from './support/running-proxy.js'

it('simulate is a proxy that can be tried, while its Telegram closes connections', {
  timeout: 60_000,
}, async () => {
  const inspect = ['--inspect', '127.0.0.1:0', '--log-level', 'warn']
  const flags = [...inspect, '--port', '0', '--answers', 'echo', '--rotate', '0.1', '--by', 'rst', '--no-qr']
  const child = spawn(process.execPath, [bin, 'simulate', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  while (!out.includes('secret=0001')) await once(child.stdout, 'data')
  const [, port, secret = ''] = /port=(\d+)&secret=(ee\w+)/.exec(out) ?? []
  await using client = testClient({ port: Number(port), secret })
  for (let number = 0; number < 20; number += 1) {
    expect(await client.ask(numbered(number))).toEqual(numbered(number))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [, url = ''] = /"url":"(http:[^"]+)","msg":"inspector"/.exec(err) ?? []
  const metrics = await (await fetch(`${url}metrics`)).text()
  expect(metrics).toMatch(/^mtproto_proxy_downstream_migration_total\{/m)
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
  expect(child.exitCode).toBe(0)
  expect(out).toContain('drained in')
  expect((await run('simulate', '--rotate', 'often')).code).toBe(2)
})
