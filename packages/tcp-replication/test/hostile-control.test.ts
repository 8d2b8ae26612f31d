import { request as httpRequest } from 'node:http'
import type { HttpEndpoint } from '@holdfast/core/service'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { serveControl } from '../src/cli/control-endpoint.js'
import { AppendLog } from '../src/source/append-log.js'
import type { SourcePage } from '../src/source/types.js'

interface Asked {
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An endpoint with a log of its own. */
async function endpoint(
  secret?: string,
): Promise<
  AsyncDisposable & { readonly log: AppendLog; ask(asked: Asked): Promise<{ status: number; text: string }> }
> {
  const folder = await temporaryFolder()
  const log = await AppendLog.open({ path: folder.path, streams: ['typing', 'a/b ü'] })
  const control: HttpEndpoint = await serveControl({
    at: '0',
    log,
    secret,
    appends: true,
    status: () => ({}),
  })
  const { hostname, port } = new URL(control.url)
  return {
    log,
    ask: ({ path, method = 'GET', headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ hostname, port, path, method, headers }, (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        })
        // What is still being written when the answer comes is cut off.
        request.on('error', reject)
        request.end(body)
      }),
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]()
      await log.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

const updates = '/_synapse/replication/get_repl_stream_updates'

describe('the HTTP side of a server', () => {
  it.each(['//', '//[', '/%', `${updates}/%/x?from_token=0&upto_token=1`, '*', `${updates}/%E0%A4/x`])(
    'H14.3: answers %s, and lives on',
    async (path) => {
      await using it = await endpoint()
      expect((await it.ask({ path })).status).toBeGreaterThanOrEqual(400)
      expect((await it.ask({ path: '/status' })).status).toBe(200)
    },
  )

  it('I25: reads no body without end into memory, be it one line', async () => {
    await using it = await endpoint()
    const body = 'x'.repeat(17 * 1024 * 1024)
    const { status, text } = await it.ask({ path: '/append?stream=typing', method: 'POST', body })
    expect([status, text]).toEqual([400, expect.stringContaining('more than')])
  })

  it('H1: takes nothing from a page in a browser', async () => {
    await using it = await endpoint()
    const append = { path: '/append?stream=typing', method: 'POST', body: '["!r:x",[]]' }
    expect((await it.ask({ ...append, headers: { origin: 'http://evil.example' } })).status).toBe(403)
    expect((await it.ask({ ...append, headers: { origin: 'null' } })).status).toBe(403)
    expect((await it.ask({ ...append, headers: { host: 'evil.example:9093' } })).status).toBe(403)
    expect((await it.ask({ path: '/status', headers: { host: 'evil.example' } })).status).toBe(403)
    expect(it.log.head('typing')).toBe(0)
    expect((await it.ask({ ...append, headers: { host: 'localhost:9093' } })).text).toBe('{"tokens":[1]}\n')
  })

  it('H2.2: refuses tokens that are none, empty batches, and streams that it has not', async () => {
    await using it = await endpoint()
    const append = (query: string, body = '[1]'): Promise<{ status: number }> =>
      it.ask({ path: `/append?${query}`, method: 'POST', body })
    expect((await append('stream=typing&token=NaN')).status).toBe(400)
    expect((await append('stream=typing&token=9007199254740992')).status).toBe(400)
    expect((await append('stream=typing', '\n\n')).status).toBe(400)
    expect((await append('stream=weather')).status).toBe(400)
    expect((await append('')).status).toBe(400)
    expect((await append(`stream=${encodeURIComponent('a/b ü')}`)).status).toBe(200)
    expect((await it.ask({ path: '/append?stream=typing' })).status).toBe(404)
  })

  it('appends nothing for who lacks the secret, and still tells its status', async () => {
    await using it = await endpoint('s3cret')
    const append = { path: '/append?stream=typing', method: 'POST', body: '[1]' }
    expect((await it.ask(append)).status).toBe(401)
    expect((await it.ask({ ...append, headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    expect(it.log.head('typing')).toBe(0)
    expect((await it.ask({ ...append, headers: { authorization: 'Bearer s3cret' } })).status).toBe(200)
    expect((await it.ask({ path: '/status' })).status).toBe(200)
  })

  it('stores each line up to the first that cannot be, and says how many those are', async () => {
    await using it = await endpoint()
    const body = '[1]\n\n[2]\n{\n[3]\n'
    const { status, text } = await it.ask({ path: '/append?stream=typing&each', method: 'POST', body })
    expect(status).toBe(400)
    expect(JSON.parse(text)).toEqual({ tokens: [1, 2], error: 'not JSON: {' })
    const { batches } = (await it.log.read('typing', 0, 9, { bytes: 1000 })) as SourcePage
    expect(batches).toEqual([
      { token: 1, rows: ['[1]'] },
      { token: 2, rows: ['[2]'] },
    ])
    const none = await it.ask({ path: '/append?stream=weather&each', method: 'POST', body })
    expect(none.status).toBe(400)
    expect(none.text).toMatch(/^\{"tokens":\[\],"error":".*weather/)
  })

  it('refuses an address that is none', async () => {
    await using it = await endpoint()
    const serve = (at: string): Promise<unknown> =>
      serveControl({ at, log: it.log, appends: true, status: () => ({}) })
    await expect(serve('nonsense')).rejects.toMatchObject({ code: 'HF_BAD_OPTION', field: 'http' })
    await expect(serve('127.0.0.1:70000')).rejects.toMatchObject({ code: 'HF_BAD_OPTION', field: 'http' })
  })
})
