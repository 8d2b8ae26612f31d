import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type HttpEndpoint, replyJson, serveHttp } from '../src/service/index.js'

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
    await using open = await serve({ refuseBrowsers: false })
    expect(await status(open.url, { host: 'rebound.example' })).toBe(200)
  })

  it('refuses an address without a port, naming the option, and one that is taken', async () => {
    await expect(serve({ at: 'localhost', option: 'admin' })).rejects.toThrow(
      'admin must be HOST:PORT, or a port for loopback, got "localhost"',
    )
    await expect(serve({ at: '70000' })).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
    await using endpoint = await serve()
    await expect(serve({ at: new URL(endpoint.url).host })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
    await endpoint[Symbol.asyncDispose]()
  })
})
