import { HoldfastError } from '@holdfast/core'
import type { HttpEndpoint } from '@holdfast/core/service'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type AdminOptions, serveAdmin } from '../src/cli/admin-endpoint.js'
import type { StatusReport } from '../src/cli/status-report.js'
import { prometheusMetrics } from '../src/metrics/prometheus-metrics.js'
import { Tables } from '../src/policy/tables.js'
import { run } from './support/program.js'

const state: StatusReport = {
  version: '1.2.3',
  role: 'both',
  phase: 'listening',
  upSeconds: 93_784,
  telegramAgeSeconds: 61,
  connections: { main: 7 },
  dataCenters: [{ dcId: -2, links: 2, clients: 9, clientsPerLink: { min: 4, max: 5 }, parked: 1 }],
  fronted: 3,
  replay: { items: 11, bytes: 1200 },
  secrets: [{ name: 'alice', connections: 2, bytes: 5000 }],
  peers: [{ name: 'front1', isUp: true }],
  tables: { banned: 2 },
}

function serve(more: Partial<AdminOptions> = {}): Promise<HttpEndpoint> {
  return serveAdmin({
    at: '127.0.0.1:0',
    registry: new Registry(),
    state: () => state,
    reload: () => Promise.resolve({ started: ['b'], stopped: [], changed: ['max_connections'] }),
    tables: new Tables(new Map([['banned', ['192.0.2.7', '198.51.100.0/24']]])),
    ...more,
  })
}

async function ask(url: string, method = 'GET', headers = {}): Promise<readonly [number, unknown]> {
  const answer = await fetch(url, { method, headers })
  return [answer.status, await answer.json()]
}

describe('the admin endpoint', () => {
  it('serves metrics and state', async () => {
    const registry = new Registry()
    prometheusMetrics(registry).listener('main').accepted.inc()
    await using admin = await serve({ registry })
    const metrics = await (await fetch(`${admin.url}/metrics`)).text()
    expect(metrics).toContain('mtproto_proxy_in_connection_total{listener="main"} 1')
    expect(await ask(`${admin.url}/state`)).toEqual([200, state])
  })

  it('reloads, and says why not', async () => {
    await using admin = await serve()
    expect(await ask(`${admin.url}/reload`, 'POST')).toMatchObject([200, { started: ['b'] }])
    expect(await ask(`${admin.url}/reload`)).toMatchObject([404, {}])
    const reload = (): Promise<object> =>
      Promise.reject(new HoldfastError('HF_BAD_CONFIG', 'port is missing'))
    await using wrong = await serve({ reload })
    expect(await ask(`${wrong.url}/reload`, 'POST')).toEqual([409, { error: 'port is missing' }])
    await using broken = await serve({ reload: () => Promise.reject(new Error('a bug')) })
    expect(await ask(`${broken.url}/reload`, 'POST')).toEqual([500, { error: 'a bug' }])
  })

  it('lists and changes tables', async () => {
    await using admin = await serve()
    const tables = `${admin.url}/tables`
    expect(await ask(tables)).toEqual([200, { banned: 2 }])
    expect(await ask(`${tables}/banned?entry=2001:db8::/32`, 'POST')).toEqual([200, { changed: true }])
    expect(await ask(`${tables}/banned?entry=192.0.2.7`, 'DELETE')).toEqual([200, { changed: true }])
    expect(await ask(`${tables}/banned`)).toEqual([200, { entries: ['198.51.100.0/24', '2001:db8::/32'] }])
    expect(await ask(`${tables}/baned`)).toMatchObject([
      409,
      { error: expect.stringContaining('there is no table "baned"') as unknown },
    ])
    expect(await ask(`${tables}/banned`, 'POST')).toMatchObject([409, {}])
    expect(await ask(`${tables}/banned?entry=x`, 'PUT')).toMatchObject([409, {}])
    await using none = await serve({ tables: null })
    expect(await ask(`${none.url}/tables`)).toMatchObject([404, {}])
  })

  it('knows nothing else, and no pages in browsers', async () => {
    await using admin = await serve()
    for (const path of ['/', '/states', '/tables/a/b', '//x', '/%00']) {
      expect(await ask(`${admin.url}${path}`)).toMatchObject([404, {}])
    }
    expect(await ask(`${admin.url}/reload`, 'POST', { origin: 'https://example.com' })).toMatchObject([
      403,
      {},
    ])
  })
})

describe('commands for a running proxy', () => {
  it('status tells where it stands', async () => {
    await using admin = await serve()
    const text = await run('status', '--admin', admin.url)
    expect(text).toEqual({
      code: 0,
      err: '',
      out: `1.2.3, alone: listening, up 1 d 2 h
port main: 7 connections
data centre -2: 2 connections, 9 clients, 1 waiting
link to front1: up
secret alice: 2 connections, 5000 bytes in all
table banned: 2 entries
relayed to the decoy: 3
handshakes remembered: 11, 1200 bytes
Telegram's configuration: 1 min 1 s old
`,
    })
    const json = await run('status', '--json', '--admin', admin.url)
    expect(JSON.parse(json.out)).toEqual(state)
    // As the option admin has it.
    const bare = await run('status', '--admin', admin.url.replace('http://', ''))
    expect(bare).toEqual(text)
  })

  it('table adds, removes and lists', async () => {
    await using admin = await serve()
    const to = ['--admin', admin.url]
    expect((await run('table', 'add', 'banned', '192.0.2.7', '203.0.113.9', ...to)).out).toBe(
      '192.0.2.7: was there\n203.0.113.9: added\n',
    )
    expect((await run('table', 'del', 'banned', '192.0.2.7', '192.0.2.8', ...to)).out).toBe(
      '192.0.2.7: removed\n192.0.2.8: was not there\n',
    )
    expect((await run('table', 'list', ...to)).out).toBe('banned: 2\n')
    expect((await run('table', 'list', 'banned', ...to)).out).toBe('198.51.100.0/24\n203.0.113.9\n')
    const slip = await run('table', 'add', 'baned', '192.0.2.7', ...to)
    expect(slip).toMatchObject({ code: 1, out: '' })
    expect(slip.err).toContain('there is no table "baned", there are: banned')
  })

  it('reload says what was done, or why nothing was', async () => {
    await using admin = await serve()
    expect((await run('reload', '--admin', admin.url)).out).toBe(
      'ports started: b\nchanged: max_connections\n',
    )
    await using wrong = await serve({
      reload: () => Promise.reject(new HoldfastError('HF_BAD_CONFIG', 'no')),
    })
    expect(await run('reload', '--admin', wrong.url)).toEqual({
      code: 1,
      out: '',
      err: 'holdfast-mtproto-proxy: no\n',
    })
  })

  it('say where they looked when nobody answers', async () => {
    const gone = await serve()
    const { url } = gone
    await gone[Symbol.asyncDispose]()
    const { code, err } = await run('status', '--admin', url)
    expect(code).toBe(1)
    expect(err).toContain(`no holdfast-mtproto-proxy answers at ${url} (connect ECONNREFUSED`)
  })
})
