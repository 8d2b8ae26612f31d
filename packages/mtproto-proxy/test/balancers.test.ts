import { describe, expect, it } from 'vitest'
import { balancersIn, localNetworks } from '../src/client/balancers.js'
import { proxySettings } from '../src/config/to-settings.js'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

const header = Buffer.from('PROXY TCP4 192.0.2.9 10.0.0.1 5555 443\r\n')

describe('3.1 the PROXY header', () => {
  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['10.9.8.7', true],
    ['172.31.255.255', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['100.64.0.1', false],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
    ['64:ff9b::c000:201', false],
  ])('is believed of local networks unless told otherwise: %s %s', (address, isBelieved) => {
    expect(balancersIn(localNetworks)(address)).toBe(isBelieved)
  })

  it('is believed of the addresses and blocks of a list, and of Unix sockets, which have none', () => {
    const isBalancer = balancersIn(['192.0.2.1', '2001:db8::/32'])
    expect(['192.0.2.1', '2001:db8::7', '::'].map(isBalancer)).toEqual([true, true, true])
    expect(['192.0.2.2', '127.0.0.1', '2001:db9::1'].map(isBalancer)).toEqual([false, false, false])
  })

  it.each([[['192.0.2.0/33']], [['balancer.example.com']], [[]], ['yes']])('of nobody else: %j', (list) => {
    const ports = [{ name: 'main', port: 443, secret, proxy_protocol: list }]
    expect(() => proxySettings({ ports })).toThrow(/proxy_protocol/)
  })

  it('of a stranger is noise, and a client that comes by itself needs none', async () => {
    await using running = await RunningProxy.start({
      port: { proxy_protocol: ['127.0.0.2'] },
      config: { bad_client: 'close' },
    })
    const direct = running.client()
    expect(await direct.ask(numbered(1))).toEqual(numbered(1))
    const stranger = running.client({ prefix: header })
    expect(await stranger.ask(numbered(2))).toBeNull()
    const behind = running.client({ prefix: header, localAddress: '127.0.0.2' })
    expect(await behind.ask(numbered(3))).toEqual(numbered(3))
    const clients = running.telegram.dc(2).clients.map(({ address }) => address)
    expect(clients).toContain('192.0.2.9:5555')
    expect(clients).toContain(direct.address)
  })
})
