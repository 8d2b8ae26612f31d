import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { silentLog, systemClock, systemEnv } from '@holdfast/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { newAuthority, newNode } from '../src/cli/certificates.js'
import { proxySettings } from '../src/config/to-settings.js'
import { type ProxyNode, proxyNode } from '../src/node/proxy-node.js'
import { backCertificateName } from '../src/split/split-endpoint.js'
import { type FakeTelegram, fakeTelegram } from '../src/testing/fake-telegram.js'
import { type TestClient, testClient } from '../src/testing/test-client.js'
import { numbered, secret } from './support/running-proxy.js'

const disposables: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of disposables.splice(0).reverse()) await each[Symbol.asyncDispose]()
})

async function telegram(): Promise<FakeTelegram> {
  const made = await fakeTelegram({ dcIds: [2] })
  disposables.push(made)
  return made
}

const access = ({ site }: FakeTelegram) => ({
  proxy_secret_url: site.urls.secret,
  proxy_config_url: site.urls.config,
  external_ip: '127.0.0.1',
})
const port = { name: 'main', port: 0, secret }

interface Starting {
  readonly config: Record<string, unknown>
  readonly workers?: { part: 'worker' | 'workers-back'; at: string }
}

async function start({ config, workers }: Starting): Promise<ProxyNode> {
  const env = systemEnv({ name: 'node', log: silentLog })
  const settings = proxySettings({ listen_ip: '127.0.0.1', ...config })
  const node = await proxyNode({ env, settings, ...(workers && { workers }) })
  disposables.push(node)
  await node.start()
  return node
}

function clientOf(node: ProxyNode): TestClient {
  const uri = node.state.listeners[0]?.endpoint.uri ?? ''
  const client = testClient({ port: Number(uri.split(':').at(-1)), secret })
  disposables.push(client)
  return client
}

const echoes = async (client: TestClient, number: number): Promise<boolean> => {
  const packet = numbered(number)
  return (await client.ask(packet))?.subarray(0, packet.length).equals(packet) ?? false
}

describe('a node that is the whole', () => {
  it('9.6 replaces its connections at migration.replace_after_sec, and its clients notice nothing', async () => {
    const fake = await telegram()
    const node = await start({
      config: {
        ports: [port],
        ...access(fake),
        init_dc_connections: 1,
        migration: { replace_after_sec: 0.1 },
      },
    })
    const client = clientOf(node)
    expect(await echoes(client, 1)).toBe(true)
    await fake.until(() => fake.stats.connections >= 4)
    expect(await echoes(client, 2)).toBe(true)
  })

  it("serves clients by Telegram's own configuration", async () => {
    const node = await start({ config: { ports: [port], ...access(await telegram()) } })
    expect(await echoes(clientOf(node), 1)).toBe(true)
    expect(node.state).toMatchObject({ part: 'both', phase: 'listening', back: null, fronts: [] })
  })

  it('reloads: what cannot change while it runs changes nothing', async () => {
    const config = { ports: [port], ...access(await telegram()) }
    const node = await start({ config })
    const client = clientOf(node)
    expect(await echoes(client, 1)).toBe(true)
    const half = { ...config, node_role: 'back', split: { listen: 'tcp://127.0.0.1:1' } }
    await expect(node.reload(proxySettings({ listen_ip: '127.0.0.1', ...half }))).rejects.toMatchObject({
      code: 'HF_MTPROTO_NEEDS_RESTART',
    })
    const shut = { ...config, policy: [{ rule: 'max_connections', keys: ['port_name'], max: 1 }] }
    await node.reload(proxySettings({ listen_ip: '127.0.0.1', ...shut }))
    expect(await echoes(client, 2)).toBe(true)
    await expect(clientOf(node).ask(numbered(3))).resolves.toBeNull()
  })

  it('reloads all but a port that is taken, and binds that one by the next reload', async () => {
    const shared = access(await telegram())
    const node = await start({ config: { ports: [port], ...shared } })
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port: taken } = blocker.address() as { port: number }
    const second = { name: 'second', port: taken, secret }
    const third = { name: 'third', port: 0, secret }
    const policy = [{ rule: 'max_connections', keys: ['port_name'], max: 0 }]
    const next = (rules: object[]) =>
      proxySettings({ listen_ip: '127.0.0.1', ports: [port, second, third], policy: rules, ...shared })
    await expect(node.reload(next(policy))).rejects.toMatchObject({ code: 'HF_LISTEN_FAILED' })
    expect(node.state.listeners.map(({ name }) => name)).toEqual(['main', 'third'])
    await expect(clientOf(node).ask(numbered(1))).resolves.toBeNull()
    blocker.close()
    await once(blocker, 'close')
    await node.reload(next([]))
    expect(node.state.listeners.map(({ name }) => name)).toEqual(['main', 'third', 'second'])
    expect(await echoes(clientOf(node), 2)).toBe(true)
  })

  it('reloads one at a time: two at once open a port once', async () => {
    const servers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length
    const before = servers()
    const shared = access(await telegram())
    const node = await start({ config: { ports: [port], ...shared } })
    const next = proxySettings({
      listen_ip: '127.0.0.1',
      ports: [port, { name: 'new', port: 0, secret }],
      ...shared,
    })
    await Promise.all([node.reload(next), node.reload(next), node.reload(next)])
    expect(node.state.listeners.map(({ name }) => name)).toEqual(['main', 'new'])
    // Of the embedded Telegram: its site, and its middle proxy on both families.
    expect(servers() - before).toBeLessThanOrEqual(5)
  })

  it('drains', async () => {
    const node = await start({ config: { ports: [port], ...access(await telegram()) } })
    const client = clientOf(node)
    expect(await echoes(client, 1)).toBe(true)
    await node.drain({ within: 1_000 })
    await client.until(() => client.ended !== null)
    expect(node.state.phase).toBe('closed')
  })
})

/** Certificates as `certs` makes them, in a folder. */
async function certificates(...fronts: string[]) {
  const folder = await temporaryFolder()
  disposables.push(folder)
  const at = systemClock().wall()
  const authority = await newAuthority(at)
  const files = async (name: string, role: 'front' | 'back') => {
    const node = await newNode({ authority, name, role, at })
    const pems = { ca: authority.cert, cert: node.cert, key: node.key }
    for (const [kind, pem] of Object.entries(pems)) await writeFile(join(folder.path, `${name}.${kind}`), pem)
    return Object.fromEntries(
      Object.keys(pems).map((kind) => [`${kind}_file`, join(folder.path, `${name}.${kind}`)]),
    )
  }
  return {
    back: await files(backCertificateName, 'back'),
    fronts: await Promise.all(fronts.map((name) => files(name, 'front'))),
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port: free } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return free
}

describe('15 a node that is a half', () => {
  const halves = async () => {
    const meeting = `tcp://127.0.0.1:${await freePort()}`
    const shared = access(await telegram())
    const back = { node_role: 'back', split: { listen: meeting }, ...shared }
    const front = { node_role: 'front', back_node: meeting, ports: [port] }
    return { back, front }
  }

  it('serves clients with the other half, and both say so', async () => {
    const { back, front } = await halves()
    const backNode = await start({ config: back })
    const frontNode = await start({ config: front })
    expect(await echoes(clientOf(frontNode), 1)).toBe(true)
    expect(frontNode.state).toMatchObject({
      part: 'front',
      phase: 'listening',
      back: { links: [{ bound: 1 }] },
    })
    expect(backNode.state).toMatchObject({ part: 'back', phase: 'listening', fronts: [{ clients: 1 }] })
  })

  it('14.1 keeps the order and the bytes of a burst', async () => {
    const { back, front } = await halves()
    await start({ config: back })
    const client = clientOf(await start({ config: front }))
    const packets = Array.from({ length: 15 }, (_, index) => numbered(index, 400 + 4 * index))
    await Promise.all(packets.map((packet) => client.send(packet)))
    for (const packet of packets) expect(await client.next()).toEqual(packet)
  })

  it('keeps idle clients through a restart of the back', async () => {
    const { back, front } = await halves()
    const first = await start({ config: back })
    const frontNode = await start({ config: front })
    const client = clientOf(frontNode)
    expect(await echoes(client, 1)).toBe(true)
    await first[Symbol.asyncDispose]()
    await vi.waitUntil(() => frontNode.state.back?.parked === 1, { timeout: 20_000 })
    await start({ config: back })
    expect(await echoes(client, 2)).toBe(true)
    expect(client.ended).toBeNull()
  })

  it('listens although its back is not there yet, and works once it is', async () => {
    const { back, front } = await halves()
    const frontNode = await start({ config: front })
    expect(frontNode.state.phase).toBe('listening')
    const asked = echoes(clientOf(frontNode), 1)
    await start({ config: back })
    expect(await asked).toBe(true)
  })

  it('takes fronts by their certificates, and no others', async () => {
    const known = await certificates('front-1', 'front-2')
    const meeting = `tls://127.0.0.1:${await freePort()}`
    const shared = access(await telegram())
    const split = { listen: meeting, allowed_fronts: ['front-1'], ...known.back }
    const backNode = await start({ config: { node_role: 'back', split, ...shared } })
    const front = (files: object) =>
      start({ config: { node_role: 'front', back_node: meeting, split: files, ports: [port] } })
    const [mine = {}, listedNowhere = {}] = known.fronts
    const strangers = await certificates('front-1')
    expect(await echoes(clientOf(await front(mine)), 1)).toBe(true)
    await front(listedNowhere)
    await front(strangers.fronts[0] ?? {})
    await vi.waitUntil(() => backNode.state.fronts.length === 1, { timeout: 20_000 })
    const refused = disposables.slice(-2) as ProxyNode[]
    await vi.waitUntil(() => refused.every(({ state }) => (state.back?.slots.waiting ?? 0) === 1), {
      timeout: 20_000,
    })
    expect(refused.map(({ state }) => state.back?.links)).toEqual([[], []])
  })
})

describe('10 workers of one proxy', () => {
  it('count together: limits hold over all of them, and what one has seen no other takes', async () => {
    const folder = await temporaryFolder()
    disposables.push(folder)
    const at = `unix:${join(folder.path, 'back.sock')}`
    const policy = [{ rule: 'max_connections', keys: ['port_name'], max: 2 }]
    const config = { ports: [port], policy, ...access(await telegram()) }
    const back = await start({ config, workers: { part: 'workers-back', at } })
    const [one, two] = [
      await start({ config, workers: { part: 'worker', at } }),
      await start({ config, workers: { part: 'worker', at } }),
    ]
    const first = clientOf(one)
    expect(await echoes(first, 1)).toBe(true)
    expect(await echoes(clientOf(two), 2)).toBe(true)
    await expect(clientOf(one).ask(numbered(3))).resolves.toBeNull()
    expect(back.state.secrets).toMatchObject([{ connections: 2 }])
    expect(back.state.replay?.items).toBe(3)

    await first[Symbol.asyncDispose]()
    await vi.waitUntil(() => back.state.secrets[0]?.connections === 1, { timeout: 20_000 })
    expect(await echoes(clientOf(two), 5)).toBe(true)
    expect([one.tables, one.state.secrets, one.state.replay]).toEqual([null, [], null])
  })
})
