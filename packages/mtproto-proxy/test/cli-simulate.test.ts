import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { type TestClient, testClient } from '../src/testing/index.js'
import { bin, run } from './support/program.js'
import { numbered } from './support/running-proxy.js'

/** As apps do: an answer that Telegram had under way on a connection that is reset is lost, and asked for again. */
async function echoed(client: TestClient, packet: Buffer): Promise<void> {
  await client.send(packet)
  const again = setInterval(() => void client.send(packet), 1_000)
  await client.until(() => client.ended !== null || client.packets.some((each) => each.equals(packet)))
  clearInterval(again)
}

it('simulate is a proxy that can be tried, while its Telegram closes connections', async () => {
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
    await echoed(client, numbered(number))
    expect(client.ended).toBeNull()
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
