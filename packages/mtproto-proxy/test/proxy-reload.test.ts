import { describe, expect, it } from 'vitest'
import { proxySettings } from '../src/config/to-settings.js'
import { accessTo, configOf, numbered, RunningProxy, secret } from './support/running-proxy.js'

const otherSecret = '00112233445566778899aabbccddeeff'

describe('14.11 a reload', () => {
  it('keeps the clients of a port that stays, and takes new secrets for those to come', async () => {
    await using running = await RunningProxy.start()
    const client = running.client()
    await client.ask(numbered(1))
    await running.proxy.reload(
      proxySettings(
        configOf({ port: { secret: undefined, secrets: [{ name: 'new', secret: otherSecret }] } }),
      ),
    )
    expect(await client.ask(numbered(2))).toEqual(numbered(2))
    expect(await running.client({ secret: otherSecret }).ask(numbered(3))).toEqual(numbered(3))
    const old = running.client({ secret })
    void old.send(numbered(4))
    while ((await running.metric('protocol_error_total', { reason: 'unknown_protocol' })) === 0) {
      await new Promise(setImmediate)
    }
    expect(old.packets).toEqual([])
  })

  it('closes the clients of a port that goes, and opens one that is new', async () => {
    await using running = await RunningProxy.start()
    const client = running.client()
    await client.ask(numbered(1))
    await running.proxy.reload(
      proxySettings({ listen_ip: '127.0.0.1', ports: [{ name: 'second', port: 0, secret: otherSecret }] }),
    )
    await client.until(() => client.phase === 'closed')
    expect(running.proxy.state.listeners.map(({ name }) => name)).toEqual(['second'])
    expect(await running.client({ secret: otherSecret }).ask(numbered(2))).toEqual(numbered(2))
  })

  it('of max_connections is in force at once', async () => {
    await using running = await RunningProxy.start()
    const client = running.client()
    await client.ask(numbered(1))
    await running.proxy.reload(proxySettings(configOf({ config: { max_connections: 1 } })))
    const refused = running.client()
    await refused.until(() => refused.phase === 'closed')
    expect(await client.ask(numbered(2))).toEqual(numbered(2))
  })

  it('that changes what cannot be changed changes nothing', async () => {
    await using running = await RunningProxy.start()
    const settings = proxySettings(
      configOf({ config: { node_role: 'front', back_node: 'tcp://127.0.0.1:9', max_connections: 1 } }),
    )
    await expect(running.proxy.reload(settings)).rejects.toMatchObject({ code: 'HF_MTPROTO_NEEDS_RESTART' })
    expect(await running.client().ask(numbered(1))).toEqual(numbered(1))
    expect(await running.client().ask(numbered(2))).toEqual(numbered(2))
  })

  it('14.16 of Telegram’s secret is for new connections only', async () => {
    await using running = await RunningProxy.start({ centers: { stableAfter: 10 } })
    const client = running.client()
    await client.ask(numbered(1))
    running.telegram.proxySecret = Buffer.alloc(64, 3)
    running.centers.reload({ telegram: accessTo(running.telegram) })
    expect(await client.ask(numbered(2))).toEqual(numbered(2))
    await running.telegram.rotate()
    expect(await client.ask(numbered(3))).toEqual(numbered(3))
  })
})

describe('13 a start', () => {
  it('listens as soon as one connection to Telegram is ready, and not before', async () => {
    await using running = await RunningProxy.start({
      isIdle: true,
      telegram: { dcIds: [1, 2], newcomers: 'black-hole' },
    })
    const phases: string[] = []
    running.proxy.state$.subscribe(({ phase }) => phases.push(phase))
    const started = running.proxy.start()
    await running.telegram.until(() => running.telegram.dc(2).connected > 0)
    expect(running.proxy.state.listeners).toEqual([])
    running.telegram.dc(1).rules.newcomers = 'accept'
    running.telegram.dc(1).closeAll('rst')
    await started
    expect(running.proxy.state.listeners).toHaveLength(1)
    expect(phases).toEqual(['idle', 'starting', 'listening'])
  })

  it('fails when a port is taken, and says which', async () => {
    await using running = await RunningProxy.start()
    await using second = await RunningProxy.start({ isIdle: true, port: { port: running.port } })
    await expect(second.proxy.start()).rejects.toMatchObject({ code: 'HF_LISTEN_FAILED' })
  })
})
