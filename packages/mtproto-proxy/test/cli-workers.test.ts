import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { WorkerReport } from '../src/cli/status-report.js'
import { type FakeTelegram, fakeTelegram, type TestClient, testClient } from '../src/testing/index.js'
import { ConnectLoop } from './support/connect-loop.js'
import { run } from './support/program.js'
import { ProxyProcess } from './support/proxy-process.js'
import { numbered, secret } from './support/running-proxy.js'

/** A proxy with two workers before an embedded Telegram, and clients that have been answered once. */
class Setting implements AsyncDisposable {
  readonly telegram: FakeTelegram
  readonly proxy: ProxyProcess
  readonly clients: TestClient[] = []

  private constructor(telegram: FakeTelegram, proxy: ProxyProcess) {
    this.telegram = telegram
    this.proxy = proxy
  }

  static async start(config: Record<string, unknown> = {}): Promise<Setting> {
    const telegram = await fakeTelegram({ dcIds: [2] })
    return new Setting(telegram, await ProxyProcess.start({ telegram, config, flags: ['--workers', '2'] }))
  }

  async connect(count: number): Promise<TestClient[]> {
    const clients = Array.from({ length: count }, () => testClient({ port: this.proxy.port, secret }))
    this.clients.push(...clients)
    const answers = await Promise.all(clients.map((client, index) => client.ask(numbered(index))))
    expect(answers.filter((answer) => answer !== null)).toHaveLength(count)
    return clients
  }

  async worker(name: RegExp): Promise<WorkerReport> {
    const found = (await this.proxy.state()).workers?.find((worker) => name.test(worker.name))
    if (found === undefined) throw new Error(`no worker ${String(name)}`)
    return found
  }

  /** Waits until everybody is up, and the processes are other ones than these. */
  async recovered(...gone: readonly number[]): Promise<void> {
    await this.proxy.until(async () => {
      const { workers = [] } = await this.proxy.state()
      return workers.length === 3 && workers.every(({ pid }) => pid !== null && !gone.includes(pid))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]()
    await this.proxy[Symbol.asyncDispose]()
    await this.telegram[Symbol.asyncDispose]()
  }
}

function pidOf({ pid }: WorkerReport): number {
  if (pid === null) throw new Error('it is down')
  return pid
}

describe('run --workers', () => {
  it('spreads clients over the workers, and answers for all of them', async () => {
    await using setting = await Setting.start()
    const { proxy } = setting
    await setting.connect(8)
    const state = await proxy.state()
    expect(state.workers).toMatchObject([
      { name: 'back', phase: 'ready', clients: null },
      { name: 'front 1.1', phase: 'ready' },
      { name: 'front 1.2', phase: 'ready' },
    ])
    const spread = state.workers?.map(({ clients }) => clients ?? 0) ?? []
    expect(Math.min(...spread.slice(1))).toBeGreaterThan(0)
    expect(spread.reduce((sum, clients) => sum + clients)).toBe(8)
    expect(state).toMatchObject({ role: 'both', phase: 'listening', connections: { main: 8 }, fronted: 0 })
    expect(state.dataCenters).toMatchObject([{ dcId: 2, clients: 8 }])
    const metrics = await (await fetch(`${proxy.admin}/metrics`)).text()
    expect(metrics).toContain('mtproto_proxy_connections_count{listener="main"} 8')
    expect(metrics).toContain('mtproto_proxy_in_connection_total{listener="main"} 8')
    expect(metrics).toContain('mtproto_proxy_dc_num_upstreams{dc="2"} 8')
    expect(metrics).toMatch(/mtproto_proxy_build_info\{version="[^"]+"\} 1\n/)
    const status = await run('status', '--admin', proxy.admin)
    expect(status.out).toMatch(
      /3 processes: listening.*\nback: process \d+, ready\nfront 1\.1: process \d+, ready, \d clients/,
    )
  })

  it('limits hold over all workers', async () => {
    await using setting = await Setting.start({
      ports: [{ name: 'main', port: 0, secrets: [{ name: 'alice', secret, max_connections: 3 }] }],
    })
    await setting.connect(3)
    const fourth = testClient({ port: setting.proxy.port, secret })
    setting.clients.push(fourth)
    expect(await fourth.ask(numbered(4))).toBeNull()
    await setting.clients[0]?.close()
    await setting.proxy.until(async () => (await setting.proxy.state()).secrets?.[0]?.connections === 2)
    await setting.connect(1)
  })

  it('kill -9 of a worker ends its clients only, and another one takes its place', async () => {
    await using setting = await Setting.start()
    await setting.connect(8)
    const worker = await setting.worker(/1\.1$/)
    const [killed, lost] = [pidOf(worker), worker.clients ?? 0]
    expect(lost).toBeGreaterThan(0)
    process.kill(killed, 'SIGKILL')
    const isOver = (client: TestClient): boolean => client.ended !== null
    await setting.proxy.until(() => setting.clients.filter(isOver).length === lost)
    const alive = setting.clients.filter((client) => !isOver(client))
    const answers = await Promise.all(alive.map((client, index) => client.ask(numbered(100 + index))))
    expect(answers.filter((answer) => answer !== null)).toHaveLength(8 - lost)
    await setting.recovered(killed)
    await setting.connect(8)
    expect((await setting.worker(/1\.1$/)).clients).toBeGreaterThan(0)
    await setting.telegram.until(() => setting.telegram.stats.closeConns === lost)
  })

  it('kill -9 of a worker that is being handed a client hangs up on that one too', async () => {
    await using setting = await Setting.start()
    const worker = pidOf(await setting.worker(/1\.1$/))
    // It will be handed one, and not say that it has it.
    process.kill(worker, 'SIGSTOP')
    const clients = Array.from({ length: 4 }, () => testClient({ port: setting.proxy.port, secret }))
    setting.clients.push(...clients)
    let answered = 0
    const answers = clients.map(async (client, index) => {
      const answer = await client.ask(numbered(index))
      if (answer !== null) answered += 1
      return answer
    })
    await setting.proxy.until(() => answered === 3)
    process.kill(worker, 'SIGKILL')
    expect((await Promise.all(answers)).filter((answer) => answer === null)).toHaveLength(1)
  })

  it('10 kill -9 of the back: idle clients stay, who was in the middle of sending is closed', async () => {
    await using setting = await Setting.start()
    const clients = await setting.connect(8)
    const back = pidOf(await setting.worker(/^back$/))
    // It takes nothing any more: what is sent now is in the middle of it when it dies.
    process.kill(back, 'SIGSTOP')
    const busy = clients.slice(0, 3)
    await Promise.all(busy.map((client, index) => client.send(numbered(200 + index))))
    await setting.proxy.until(async () => {
      const metrics = await (await fetch(`${setting.proxy.admin}/metrics`)).text()
      const received = /received_upstream_bytes\{listener="main"\} (\d+)/.exec(metrics)?.[1]
      return Number(received) >= 8 * (64 + 44) + 3 * 44
    })
    process.kill(back, 'SIGKILL')
    await Promise.all(busy.map((client) => client.until(() => client.ended !== null)))
    const idle = clients.slice(3)
    const answers = await Promise.all(idle.map((client, index) => client.ask(numbered(300 + index))))
    expect(answers.map((answer) => answer?.readUInt32LE(8))).toEqual([300, 301, 302, 303, 304])
    await setting.recovered(back)
    // The new back was told who is inside.
    await setting.proxy.until(async () => (await setting.proxy.state()).secrets?.[0]?.connections === 5)
  })

  it.each([
    ['restart', false],
    ['restart --with-back', true],
    ['SIGUSR2', false],
  ] as const)('%s replaces the workers while clients connect: none is refused', async (how, withBack) => {
    await using setting = await Setting.start()
    const { proxy } = setting
    const before = (await proxy.state()).workers?.map(pidOf) ?? []
    await using loop = ConnectLoop.start(proxy.port)
    await loop.until(() => loop.answered > 20)
    if (how === 'SIGUSR2') proxy.signal('SIGUSR2')
    else {
      const ran = await run(...how.split(' '), '--admin', proxy.admin)
      expect(ran).toMatchObject({ code: 0, err: '' })
      expect(ran.out).toMatch(/^now back \(process \d+\), front 2\.1 \(process \d+\), front 2\.2 /)
    }
    const [back = 0, ...fronts] = before
    await setting.recovered(...fronts, ...(withBack ? [back] : []))
    const answered = loop.answered
    await loop.until(() => loop.answered > answered + 20)
    await loop.stop()
    expect(loop.refused).toEqual([])
    expect((await setting.worker(/^back$/)).pid === back).toBe(!withBack)
  })

  it('a reload reaches everybody, and a wrong one nobody', async () => {
    await using setting = await Setting.start()
    const { proxy, telegram } = setting
    await setting.connect(2)
    const other = '00112233445566778899aabbccddeeff'
    await proxy.configure({
      telegram,
      config: { ports: [{ name: 'main', port: 0, secret: other }], admni: 1 },
    })
    expect(await proxy.post('/reload')).toMatchObject({ status: 409, body: { error: /did you mean admin/ } })
    await proxy.configure({
      telegram,
      config: { node_role: 'back', split: { listen: 'tcp://127.0.0.1:4430' } },
    })
    expect(await proxy.post('/reload')).toMatchObject({ status: 409, body: { error: /needs? ?.*restart/ } })
    await setting.connect(2)
    const ports = [{ name: 'main', port: 0, secret: other }]
    const tables = { banned: { entries: ['192.0.2.1'] } }
    await proxy.configure({ telegram, config: { ports, tables } })
    proxy.signal('SIGHUP')
    await proxy.until(async () => (await proxy.state()).tables['banned'] === 1)
    // The back has it; this one answers when the fronts have it too, one reload after the other.
    expect(await proxy.post('/reload')).toMatchObject({ status: 200 })
    for (let each = 0; each < 4; each += 1) {
      await using client = testClient({ port: proxy.port, secret: other })
      expect(await client.ask(numbered(each))).not.toBeNull()
    }
    expect(await proxy.post('/tables/banned?entry=192.0.2.9')).toMatchObject({ body: { changed: true } })
    expect((await proxy.state()).tables).toEqual({ banned: 2 })
    expect(await proxy.post('/tables/baned?entry=192.0.2.9')).toMatchObject({ status: 409 })
  })

  it('13 SIGTERM drains the workers, then the back, and leaves nothing behind', async () => {
    await using setting = await Setting.start()
    await setting.connect(4)
    const pids = (await setting.proxy.state()).workers?.map(pidOf) ?? []
    await setting.proxy.stop()
    expect(setting.proxy.ended.code).toBe(0)
    expect(setting.proxy.ended.out).toMatch(/drained in \d\.\d s: \d+ finished, 0 cut/)
    expect(setting.telegram.stats.closeConns).toBe(4)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('what keeps a worker from starting ends the program, with the reason', async () => {
    await using telegram = await fakeTelegram({ dcIds: [2] })
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const config = { ports: [{ name: 'main', port, secret }] }
    await using proxy = await ProxyProcess.start({ telegram, config, flags: ['--workers', '2'] })
    expect(proxy.ended.code).toBe(1)
    expect(proxy.log).toContain('HF_LISTEN_FAILED')
    taken.close()
    const half = { node_role: 'back', split: { listen: 'tcp://127.0.0.1:0' } }
    await using back = await ProxyProcess.start({ telegram, config: half, flags: ['--workers', '2'] })
    expect(back.ended.code).toBe(1)
    expect(back.log).toContain('--workers is for a whole proxy')
  })
})
