import { once } from 'node:events'
import { get } from 'node:https'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { cert, key } from '../../../test-support/certificate.js'
import { type DecoySite, decoySite } from '../src/testing/index.js'

/** Sends bytes to a site, and gives all that came back. */
async function exchange(site: DecoySite, bytes: Uint8Array): Promise<string> {
  const socket = connect({ port: site.port, host: '127.0.0.1' })
  socket.write(bytes)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    socket.end()
  })
  await once(socket, 'close')
  return text
}

describe('the decoy site', () => {
  it('3.6: answers what it is told, and keeps what it got', async () => {
    await using site = await decoySite({ page: 'hello stranger' })
    expect(await exchange(site, Buffer.from('a hello'))).toBe('hello stranger')
    await site.until(() => site.connections[0]?.isClosed === true)
    expect(String(site.connections[0]?.received)).toBe('a hello')
  })

  it('3.6: says nothing by itself unless told', async () => {
    await using site = await decoySite()
    const exchanged = exchange(site, Buffer.from('a hello'))
    await site.until(() => site.connections[0]?.received.length === 7)
    site.connections[0]?.write(Buffer.from('late'))
    expect(await exchanged).toBe('late')
  })

  it('3.6: speaks real HTTPS, and keeps the hello that it got', async () => {
    await using site = await decoySite({ tls: { cert, key }, page: 'a page' })
    const request = get({
      port: site.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: cert,
      agent: false,
    })
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
    let page = ''
    for await (const chunk of response) page += String(chunk)
    expect(page).toBe('a page')
    expect(site.connections[0]?.received.subarray(0, 3)).toEqual(Buffer.from('160301', 'hex'))
    expect(site.connections[0]?.received.includes('localhost')).toBe(true)
  })
})
