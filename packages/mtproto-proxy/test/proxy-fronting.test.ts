import { connect } from 'node:net'
import { silentLog, systemEnv } from '@holdfast/core'
import { sockets } from '@holdfast/core/node'
import { describe, expect, it } from 'vitest'
import { Fronting } from '../src/client/fronting.js'
import { isInnerAddress } from '../src/client/inner-address.js'
import { decoySite } from '../src/testing/decoy-site.js'
import { RunningProxy } from './support/running-proxy.js'

const domain = Buffer.from('www.example.com').toString('hex')
/** A hello of somebody who does not know the secret. */
const stranger = `ee${'00'.repeat(16)}${domain}`

describe('3.6 fronting', () => {
  it('14.7 relays a stranger to the site, byte by byte, both ways', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: { domain_fronting: `127.0.0.1:${site.port}` },
    })
    const client = running.client({ secret: stranger })
    await site.until(() => (site.connections[0]?.received.length ?? 0) >= 500)
    expect(site.connections[0]?.received).toEqual(Buffer.concat(client.openingBytes))
    expect(running.proxy.state.fronted).toBe(1)
    const answer = Buffer.from('1503030002022a', 'hex')
    site.connections[0]?.write(answer)
    await client.until(() => client.answerBytes.length > 0)
    expect(Buffer.concat(client.answerBytes)).toEqual(answer)
    await client.write(Buffer.from('and more'))
    await site.until(() => site.connections[0]?.received.toString('latin1').endsWith('and more') === true)
    site.connections[0]?.end()
    await client.until(() => client.phase === 'closed')
    while (running.proxy.state.fronted > 0) await new Promise(setImmediate)
    expect(await running.metric('protocol_error_total', { reason: 'tls_invalid_digest' })).toBe(1)
  })

  it('hands on that one side has finished, and what the other still says', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: { domain_fronting: `127.0.0.1:${site.port}` },
    })
    const hello = running.client({ secret: stranger })
    await site.until(() => site.connections.length === 1)
    const socket = connect({ port: running.port, host: '127.0.0.1', allowHalfOpen: true })
    const got: Buffer[] = []
    socket.on('data', (chunk) => got.push(chunk))
    socket.end(Buffer.concat(hello.openingBytes))
    await site.until(() => (site.connections[1]?.received.length ?? 0) >= 500)
    site.connections[1]?.write(Buffer.from('an answer after the end'))
    site.connections[1]?.end()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(Buffer.concat(got).toString()).toBe('an answer after the end')
  })

  it('14.7 closes the site’s connection with the client’s', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: { domain_fronting: `127.0.0.1:${site.port}` },
    })
    const client = running.client({ secret: stranger })
    await site.until(() => site.connections.length > 0)
    await client.close()
    await site.until(() => site.connections[0]?.isClosed === true)
  })

  it('14.7 closes a stranger while it is off', async () => {
    await using running = await RunningProxy.start()
    const client = running.client({ secret: stranger })
    await client.until(() => client.phase === 'closed')
    expect(client.answerBytes).toEqual([])
  })

  it('14.7 closes a stranger whose domain the policy refuses, and the site is not touched', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: {
        domain_fronting: `127.0.0.1:${site.port}`,
        policy: [{ rule: 'in_table', key: 'tls_domain', table: 'customers' }],
        tables: { customers: { entries: [] } },
      },
    })
    const client = running.client({ secret: stranger })
    await client.until(() => client.phase === 'closed')
    expect(site.connections).toEqual([])
  })

  it('has room for so many, and closes the others', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: { domain_fronting: `127.0.0.1:${site.port}`, domain_fronting_max_connections: 1 },
    })
    running.client({ secret: stranger })
    await site.until(() => site.connections.length === 1)
    const second = running.client({ secret: stranger })
    await second.until(() => second.phase === 'closed')
    expect(site.connections).toHaveLength(1)
  })

  it('ends after init_timeout_sec of silence', async () => {
    await using site = await decoySite()
    await using running = await RunningProxy.start({
      config: { domain_fronting: `127.0.0.1:${site.port}`, init_timeout_sec: 0.5 },
    })
    const client = running.client({ secret: stranger })
    await client.until(() => client.phase === 'closed')
    await site.until(() => site.connections[0]?.isClosed === true)
  })

  it('closes a stranger when the site cannot be reached, or would be ourselves', async () => {
    await using running = await RunningProxy.start({ config: { domain_fronting: 'localhost:1' } })
    const unreachable = running.client({ secret: stranger })
    await unreachable.until(() => unreachable.phase === 'closed')

    const closed: string[] = []
    const fronting = new Fronting({
      env: systemEnv({ name: 'test', log: silentLog }),
      dialer: sockets(),
      resolve: () => Promise.resolve(['127.0.0.1']),
      isOurs: () => true,
    })
    const held = { pause: () => () => {} } as never
    const connection = { close: (code: string) => closed.push(code), abort: () => {} }
    const stage = fronting.open(connection, held, {
      bytes: new Uint8Array(),
      sni: 'www.example.com',
      settings: {
        fronting: { target: { kind: 'sni' }, connectWithin: 1000, maxConnections: 1 },
      } as never,
    })
    while (closed.length === 0) await new Promise(setImmediate)
    expect(closed).toEqual(['fronting-target'])
    stage?.leave()
    expect(fronting.active).toBe(0)
  })
})

describe('3.6 fronting to the host that a stranger names', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '::1',
    '::ffff:10.1.2.3',
    'fd00::1',
    'fe80::1%eth0',
  ])('never leads to %s', async (address) => {
    const dialed: string[] = []
    const closed: string[] = []
    const fronting = new Fronting({
      env: systemEnv({ name: 'test', log: silentLog }),
      dialer: { dial: ({ uri }) => dialed.push(uri) as never },
      resolve: () => Promise.resolve([address]),
      isOurs: () => false,
    })
    const settings = { fronting: { target: { kind: 'sni' }, connectWithin: 1000, maxConnections: 1 } }
    const stage = fronting.open(
      { close: (code: string) => closed.push(code), abort: () => {} },
      { pause: () => () => {} } as never,
      { bytes: new Uint8Array(), sni: address, settings: settings as never },
    )
    while (closed.length + dialed.length === 0) await new Promise(setImmediate)
    stage?.leave()
    expect([closed, dialed]).toEqual([['fronting-target'], []])
  })

  it.each(['93.184.215.14', '2606:2800::1'])('leads to %s', (address) => {
    expect(isInnerAddress(address)).toBe(false)
  })
})

describe('3.6 who is no client and speaks no TLS', () => {
  it('is met by silence until init_timeout_sec, and no site is asked', async () => {
    await using running = await RunningProxy.start({ config: { init_timeout_sec: 0.3 } })
    const socket = connect(running.port, '127.0.0.1')
    const got: Buffer[] = []
    socket.on('data', (chunk) => got.push(chunk))
    socket.write(Buffer.alloc(64, 'x'))
    socket.write(Buffer.alloc(100_000, 'y'))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(got).toEqual([])
    expect(await running.metric('protocol_error_total', { reason: 'unknown_protocol' })).toBe(1)
    expect(await running.metric('inactive_timeout_total')).toBe(1)
  })

  it('14.8 gets the alert for a malformed hello, and is closed', async () => {
    await using running = await RunningProxy.start()
    const socket = connect(running.port, '127.0.0.1')
    const got: Buffer[] = []
    socket.on('data', (chunk) => got.push(chunk))
    socket.write(Buffer.concat([Buffer.from('1603010200', 'hex'), Buffer.alloc(512)]))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(Buffer.concat(got).toString('hex')).toBe('15030300020232')
  })
})
