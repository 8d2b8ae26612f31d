import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { checkHttpAddress, type HttpEndpoint, replyJson, serveHttp } from '../src/service/index.js'

const serve = (more: object = {}): Promise<HttpEndpoint> =>
  serveHttp({
    at: '0',
    option: 'http',
    handle: (_, response) => replyJson(response, 200, { ok: true }),
    ...more,
  })

/** The status of a request with these headers; fetch does not let them be set. */
function status(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('an HTTP endpoint', () => {
  it('answers in JSON, on loopback unless a host is given', async () => {
    await using endpoint = await serve()
    expect(endpoint.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const answer = await fetch(endpoint.url)
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual([
      'application/json',
      '{"ok":true}\n',
    ])
    await using other = await serve({ at: '[::1]:0' })
    expect(other.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
  })

  it('refuses what a page in a browser may have caused', async () => {
    await using endpoint = await serve()
    const { port } = new URL(endpoint.url)
    expect(await status(endpoint.url, { origin: 'https://example.com' })).toBe(403)
    expect(await status(endpoint.url, { host: `rebound.example:${port}` })).toBe(403)
    expect(await status(endpoint.url, { host: `localhost:${port}` })).toBe(200)
    expect(await status(endpoint.url, { host: `[::1]:${port}` })).toBe(200)
    await using open = await serve({ callers: 'anybody' })
    expect(await status(open.url, { host: 'rebound.example' })).toBe(200)
  })

  it('answers pages of its own where it has some, and no others', async () => {
    await using endpoint = await serve({ callers: 'own-pages' })
    const { host, port } = new URL(endpoint.url)
    expect(await status(endpoint.url, { origin: `http://${host}` })).toBe(200)
    expect(await status(endpoint.url, { origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await status(endpoint.url, { origin: 'null' })).toBe(403)
    expect(await status(endpoint.url, { host: `rebound.example:${port}` })).toBe(403)
    const fetched = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    expect(await status(endpoint.url, fetched)).toBe(403)
    expect(await status(endpoint.url, { ...fetched, 'sec-fetch-mode': 'navigate' })).toBe(200)
    expect(await status(endpoint.url, { ...fetched, 'sec-fetch-site': 'same-origin' })).toBe(200)
    await using named = await serve({ callers: 'own-pages', at: 'localhost:0' })
    expect(await status(named.url, { host: `localhost:${new URL(named.url).port}` })).toBe(200)
    await using everywhere = await serve({ callers: 'own-pages', at: '0.0.0.0:0' })
    const local = everywhere.url.replace('0.0.0.0', '127.0.0.1')
    expect([await status(local, { host: 'rebound.example' }), await status(local, {})]).toEqual([403, 200])
  })

  it('refuses an address without a port, naming the option, and one that is taken', async () => {
    await expect(serve({ at: 'localhost', option: 'admin' })).rejects.toThrow(
      'admin must be HOST:PORT, or a port for loopback, got "localhost"',
    )
    await expect(serve({ at: '70000' })).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
    expect(() => checkHttpAddress('70000', 'http')).toThrow(/http/)
    expect(() => checkHttpAddress('7000', 'http')).not.toThrow()
    await using endpoint = await serve()
    await expect(serve({ at: new URL(endpoint.url).host })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
    await endpoint[Symbol.asyncDispose]()
  })
})
