import { describe, expect, it } from 'vitest'
import type { TestClient } from '../src/testing/test-client.js'
import { numbered, RunningProxy, type RunningProxyOptions } from './support/running-proxy.js'
import { closedOf, migrationsOf, talk, talkingClients } from './support/talking-clients.js'

const fast: RunningProxyOptions = { centers: { stableAfter: 10 } }

describe('14.12 when Telegram closes a connection', () => {
  it('its only client goes on, on the other', async () => {
    await using running = await RunningProxy.start(fast)
    const { telegram } = running
    await telegram.until(() => telegram.dc(2).ready.length === 2)
    const [client] = (await talkingClients(running, 1)) as [TestClient]
    const used = telegram.dc(2).connections.find((each) => each.clients.size > 0)
    used?.close('fin')
    await telegram.until(() => telegram.dc(2).ready.length === 2)
    expect(await client.ask(numbered(7))).toEqual(numbered(7))
    expect(await migrationsOf(running)).toEqual({ ok: 1, parked: 0, resent: 0, mid_send: 0, empty: 0 })
    const links = running.proxy.state.dataCenters.get(2)?.links ?? []
    expect(links.reduce((sum, { bound }) => sum + bound, 0)).toBe(1)
  })

  it.each(['fin', 'rst'] as const)('by %s, none of 100 idle clients notices', async (by) => {
    await using running = await RunningProxy.start(fast)
    const all = await talkingClients(running, 100)
    await running.telegram.rotate({ by })
    await running.telegram.rotate({ by })
    expect(closedOf(all)).toBe(0)
    const answers = await Promise.all(all.map((client, index) => client.ask(numbered(1000 + index))))
    expect(answers.map((answer) => answer?.readUInt32LE(8))).toEqual(all.map((_, index) => 1000 + index))
    const { ok = 0, parked = 0, mid_send, empty } = await migrationsOf(running)
    expect(ok + parked).toBeGreaterThanOrEqual(100)
    expect([mid_send, empty]).toEqual([0, 0])
  })

  it.each([
    ['fin', 200],
    ['rst', 200],
    ['fin', 20],
    ['rst', 20],
  ] as const)(
    'by %s, of 100 clients that send every %d ms only those in the middle of it are cut',
    async (by, every) => {
      await using running = await RunningProxy.start(fast)
      const all = await talkingClients(running, 100)
      const stop = talk(all, every)
      for (let round = 0; round < 4; round += 1) await running.telegram.rotate({ by, pause: 50 })
      await stop()
      const { mid_send, empty } = await migrationsOf(running)
      expect(closedOf(all)).toBe(mid_send)
      expect(empty).toBe(0)
      // One for each connection that was closed, whose write found out; the reference lost 50 to 100 per reset.
      expect(mid_send).toBeLessThanOrEqual(8)
    },
  )

  it.each(['fin', 'rst'] as const)('by %s, with resend_unsent no client is cut at all', async (by) => {
    await using running = await RunningProxy.start({
      ...fast,
      config: { migration: { resend_unsent: true } },
    })
    const all = await talkingClients(running, 100)
    const stop = talk(all, 20)
    for (let round = 0; round < 4; round += 1) await running.telegram.rotate({ by, pause: 50 })
    await stop()
    expect(closedOf(all)).toBe(0)
    expect(await migrationsOf(running)).toMatchObject({ mid_send: 0, empty: 0 })
  })

  it('or we close one that is no longer needed, with resend_unsent nothing is sent twice', async () => {
    await using running = await RunningProxy.start({
      centers: { ...fast.centers, clientsPerConnection: 5, resendUnsent: true },
    })
    const { telegram } = running
    const all = await talkingClients(running, 40)
    await telegram.until(() => telegram.dc(2).ready.length > 4)
    const staying = all.filter((_client, index) => index % 5 === 0)
    const leaving = all.filter((client) => !staying.includes(client))
    await Promise.all(staying.map((client, index) => client.ask(numbered(index))))
    const asked = telegram.stats.requests
    await Promise.all(leaving.map((client) => client.close()))
    // Its clients have moved off a connection that lives.
    await running.telegram.until(() => telegram.dc(2).ready.length <= 4)
    expect(closedOf(staying)).toBe(0)
    expect(telegram.stats.requests).toBe(asked)
    const { ok = 0 } = await migrationsOf(running)
    expect(ok).toBeGreaterThan(0)
    await Promise.all(staying.map((client, index) => client.ask(numbered(index))))
    expect(telegram.stats.requests).toBe(asked + staying.length)
  })

  it('and the replacement is slow to come, clients of a lone connection wait for it', async () => {
    await using running = await RunningProxy.start({ config: { init_dc_connections: 1 }, ...fast })
    const all = await talkingClients(running, 20)
    running.telegram.rules.handshakeDelay = 500
    await running.telegram.rotate()
    const answers = await Promise.all(all.map((client, index) => client.ask(numbered(index))))
    expect(answers.every((answer) => answer !== null)).toBe(true)
    expect(await migrationsOf(running)).toMatchObject({ mid_send: 0, empty: 0, parked: 20 })
  })
})
