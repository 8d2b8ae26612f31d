import { createServer, type Server } from 'node:net'
import { type Clock, systemClock } from '@holdfast/core'
import { tcp } from '@holdfast/core/node'
import { describe, expect, it } from 'vitest'
import type { Target } from '../src/cli/check/attempt.js'
import { describeReport } from '../src/cli/check/describe.js'
import { examine, type ProtocolReport } from '../src/cli/check/examine.js'
import { decoySite } from '../src/testing/index.js'
import { parseSecret } from '../src/wire/secret.js'
import { run } from './support/program.js'
import { RunningProxy, type RunningProxyOptions, secret } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
const secrets = { plain: secret, secure: `dd${secret}`, 'fake-tls': `ee${secret}${domain}` } as const
const wrong = secret.replace('d0', 'd1')
const answering: RunningProxyOptions = { telegram: { answers: 'res-pq', dcIds: [1, 2, -2] } }

function target(port: number, text: string): Target {
  return { server: '127.0.0.1', port, secret: parseSecret(text), plainFormat: 'intermediate' }
}

function ask(
  port: number,
  text: string,
  o: { dcIds?: number[]; repeat?: number; within?: number; clock?: Clock } = {},
): Promise<ProtocolReport> {
  const { dcIds = [2], repeat = 1, within = 5000, clock = systemClock() } = o
  return examine({ clock, dialer: tcp(), target: target(port, text), dcIds, repeat, within })
}

/** A clock that goes wrong by some seconds. */
function wrongClock(seconds: number): Clock {
  const clock = systemClock()
  return Object.assign(Object.create(clock) as Clock, { wall: () => clock.wall() + seconds * 1000 })
}

/** A server of no kind that a client expects. */
async function stranger(behave: (server: Server) => void): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer()
  server.on('connection', (socket) => socket.on('error', () => undefined).resume())
  behave(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return { port, [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())) }
}

describe('13 check', () => {
  it.each(['plain', 'secure', 'fake-tls'] as const)('%s: every data centre answers resPQ', async (kind) => {
    await using running = await RunningProxy.start(answering)
    const report = await ask(running.port, secrets[kind], { dcIds: [1, 2, -2], repeat: 3 })
    expect(report).toMatchObject({ ok: true, protocol: kind, failure: null, clock: null })
    expect(report.dataCenters.map(({ dc, sent, answered }) => [dc, sent, answered])).toEqual([
      [1, 3, 3],
      [2, 3, 3],
      [-2, 3, 3],
    ])
    for (const { times } of report.dataCenters) {
      const [least = -1, median = -1, most = -1] = times?.answer ?? []
      expect(0 <= least && least <= median && median <= most).toBe(true)
    }
    expect(describeReport(report)).toContain('3 of 3  connect')
  })

  it('a wrong secret, and a site behind the proxy: a web site answers', async () => {
    await using site = await decoySite({ page: Buffer.from('160303000101140303000101170303000101', 'hex') })
    await using running = await RunningProxy.start({
      ...answering,
      config: { domain_fronting: `127.0.0.1:${site.port}` },
    })
    const report = await ask(running.port, secrets['fake-tls'].replace('d0', 'd1'))
    expect(report).toMatchObject({ ok: false, clock: null, failure: { at: 'hello', why: 'web-server' } })
    expect(describeReport(report)).toContain('to which the proxy relays strangers')
  })

  it('a wrong secret, and none: the connection is closed', async () => {
    await using running = await RunningProxy.start({ ...answering, config: { bad_client: 'close' } })
    const tls = await ask(running.port, secrets['fake-tls'].replace('d0', 'd1'))
    expect(tls).toMatchObject({ ok: false, failure: { at: 'hello', why: 'closed' } })
    expect(describeReport(tls)).toContain('after the hello: the secret is wrong')
    const plain = await ask(running.port, wrong)
    expect(plain).toMatchObject({ ok: false, failure: null })
    expect(plain.dataCenters[0]?.failure).toMatchObject({ at: 'packet', why: 'closed' })
  })

  it('a wrong secret, and silence', async () => {
    await using running = await RunningProxy.start(answering)
    const report = await ask(running.port, wrong, { within: 200 })
    expect(report.dataCenters[0]?.failure).toMatchObject({ at: 'packet', why: 'silent' })
    expect(describeReport(report)).toContain('it says nothing in time: the secret is wrong')
  })

  it.each([
    [3600, 'behind'],
    [-7200, 'ahead of'],
  ] as const)('3.4 our clock is wrong by %d s: says so, and by how much', async (seconds, way) => {
    await using running = await RunningProxy.start(answering)
    const report = await ask(running.port, secrets['fake-tls'], { clock: wrongClock(seconds) })
    expect(report).toMatchObject({ ok: false, clock: { kind: 'window' } })
    if (report.clock?.kind !== 'window') throw new Error('no window')
    expect(Math.abs((report.clock.ahead ?? 0) + seconds)).toBeLessThan(5)
    const hours = Math.abs(seconds) / 60
    expect(describeReport(report)).toContain(`is about ${hours === 60 ? '60 min' : '2 h 0 min'} ${way} ours`)
  })

  it('3.4 the clocks differ and the window is unusual: says what is taken', async () => {
    const config = { tls_time_skew_sec: { past: 1000, future: 2500 } }
    await using running = await RunningProxy.start({ ...answering, config })
    const report = await ask(running.port, secrets['fake-tls'], { clock: wrongClock(-5000) })
    expect(report.clock).toMatchObject({ kind: 'window', ahead: null })
    if (report.clock?.kind !== 'window') throw new Error('no window')
    expect(Math.abs(report.clock.from - 4000)).toBeLessThan(5)
    expect(Math.abs(report.clock.to - 7500)).toBeLessThan(5)
    expect(describeReport(report)).toContain('between +67 min and +2 h 5 min from our time')
  })

  it('one data centre does not answer: names it, and only it', async () => {
    await using running = await RunningProxy.start(answering)
    Object.assign(running.telegram.dc(2).rules, { answers: 'nothing' })
    const report = await ask(running.port, secrets['fake-tls'], { dcIds: [1, 2], within: 300 })
    expect(report.ok).toBe(false)
    expect(report.dataCenters.map(({ answered }) => answered)).toEqual([1, 0])
    expect(describeReport(report)).toMatch(/FAILED: data centre 2: it says nothing .* so the secret is right/)
  })

  it('Telegram answers with an error', async () => {
    const error = Buffer.alloc(4)
    error.writeInt32LE(-444)
    await using running = await RunningProxy.start({ telegram: { dcIds: [2], answers: () => [error] } })
    const report = await ask(running.port, secrets.secure)
    expect(describeReport(report)).toContain('Telegram answers with the error -444')
  })

  it('an alert, another program, and nobody', async () => {
    await using alert = await stranger((server) =>
      server.on('connection', (socket) => socket.end(Buffer.from('15030300020228', 'hex'))),
    )
    expect(await ask(alert.port, secrets['fake-tls'])).toMatchObject({ failure: { why: 'alert' } })
    await using ssh = await stranger((server) =>
      server.on('connection', (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
    )
    expect(describeReport(await ask(ssh.port, secrets['fake-tls']))).toContain('speaks no TLS')
    const { port } = ssh
    await ssh[Symbol.asyncDispose]()
    const nobody = await ask(port, secrets.plain)
    expect(nobody).toMatchObject({ failure: { at: 'connect', why: 'unreachable' } })
    expect(describeReport(nobody)).toContain('ECONNREFUSED')
  })

  it('the command exits by what it found', async () => {
    await using running = await RunningProxy.start(answering)
    const link = (text: string): string => `tg://proxy?server=127.0.0.1&port=${running.port}&secret=${text}`
    const good = await run(
      'check',
      '--dc',
      '2,-2',
      '--proto',
      'plain,secure,fake-tls',
      link(secrets['fake-tls']),
    )
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out).toContain('fake-TLS by 127.0.0.1')
    const bad = await run('check', '--json', '--timeout', '300', link(wrong))
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.out)).toMatchObject([{ ok: false, protocol: 'plain' }])
    expect((await run('check')).code).toBe(2)
    expect((await run('check', '--dc', '0', link(secret))).code).toBe(2)
  })
})
