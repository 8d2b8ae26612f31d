import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { VirtualClock } from '@holdfast/core/testing'
import { httpRelayInfo, relayTarget } from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'

const targetOf = (port: number) =>
  relayTarget(`ws://127.0.0.1:${port}/path`, {
    resolve: () => Promise.resolve(['127.0.0.1']),
    allowPrivate: true,
  })

/** What is read from a server that answers so. */
async function read(answer: RequestListener, meanwhile?: (clock: VirtualClock) => void): Promise<unknown> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const clock = new VirtualClock()
  const asked = once(server, 'request')
  const { port } = server.address() as AddressInfo
  const info = httpRelayInfo(clock)(await targetOf(port))
  await asked
  meanwhile?.(clock)
  try {
    return await info
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('R94: what a relay says about itself', () => {
  it('is asked for by HTTP, at the same path and by its media type', async () => {
    let asked = ''
    const info = await read(({ url, headers }, response) => {
      asked = `${String(url)} ${String(headers.accept)}`
      response.end('{"name":"r","limitation":{"max_limit":7}}')
    })
    expect(info).toMatchObject({ limitation: { maxLimit: 7 } })
    expect(asked).toBe('/path application/nostr+json')
  })

  it('R4: is not looked for elsewhere, should the relay send us there', async () => {
    expect(
      await read((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('{}')),
    ).toBeNull()
  })

  it('is read no further than 256 KiB', async () => {
    expect(await read((_, response) => response.end(`{"name":"${'x'.repeat(300_000)}"}`))).toBeNull()
  })

  it('is waited for no longer than five seconds', async () => {
    const silent: RequestListener = (_, response) => void response.write('{')
    expect(await read(silent, (clock) => clock.advance(5000))).toBeNull()
  })

  it.each(['', 'no JSON', '[]', '7'])('is nothing if it is %j', async (text) => {
    expect(await read((_, response) => response.end(text))).toBeNull()
  })

  it('is nothing if nobody listens', async () => {
    expect(await httpRelayInfo(new VirtualClock())(await targetOf(1))).toBeNull()
  })
})
