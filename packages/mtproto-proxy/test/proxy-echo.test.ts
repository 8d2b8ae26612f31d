import { describe, expect, it } from 'vitest'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
const kinds = [
  ['abridged', { secret, format: 'abridged' }],
  ['intermediate', { secret, format: 'intermediate' }],
  ['dd', { secret: `dd${secret}` }],
  ['fake-TLS', { secret: `ee${secret}${domain}` }],
] as const

describe.each(kinds)('14.1 a client that speaks %s', (_, options) => {
  it('gets back what Telegram echoes', async () => {
    await using running = await RunningProxy.start()
    const client = running.client(options)
    const packet = numbered(1)
    const echoed = await client.ask(packet)
    expect(echoed?.subarray(0, 40)).toEqual(packet)
  })
})
