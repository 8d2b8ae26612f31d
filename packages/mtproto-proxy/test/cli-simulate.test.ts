import { expect, it } from 'vitest'
import { type TestClient, testClient } from '../src/testing/index.js'
import { run, start } from './support/program.js'
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
  await using program = start(['simulate', ...flags])
  await program.says(/secret=0001/)
  const [, port, secret = ''] = await program.says(/port=(\d+)&secret=(ee\w+)/)
  await using client = testClient({ port: Number(port), secret })
  for (let number = 0; number < 20; number += 1) {
    await echoed(client, numbered(number))
    expect(client.ended).toBeNull()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [, url = ''] = await program.says(/"url":"(http:[^"]+)","msg":"inspector"/, 'err')
  const metrics = await (await fetch(`${url}metrics`)).text()
  expect(metrics).toMatch(/^mtproto_proxy_downstream_migration_total\{/m)
  program.child.kill('SIGTERM')
  const { code, out } = await program.ended()
  expect(code).toBe(0)
  expect(out).toContain('drained in')
  expect((await run('simulate', '--rotate', 'often')).code).toBe(2)
})
