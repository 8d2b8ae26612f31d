import { type End, end, type Listener } from '@holdfast/core'
import { memoryNetwork, testEnv } from '@holdfast/core/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { Gatekeeper, Newcomer, Verdict } from '../src/gatekeeper.js'
import { noMetrics } from '../src/metrics/no-metrics.js'
import { backSide, type FrontLink } from '../src/split/back-side.js'
import { type FrontSide, frontSide } from '../src/split/front-side.js'
import type { TunnelEnd, TunnelRequest } from '../src/tunnel.js'
import { NotedCenters, NotedClient } from './support/noted-centers.js'

const at = { uri: 'memory:back' }
const request: TunnelRequest = {
  dcId: -2,
  ip: Buffer.from('00000000000000000000ffff0a000001', 'hex'),
  port: 4711,
  adTag: Buffer.alloc(16, 7),
  format: 'padded',
  listener: 'main',
}
const newcomer: Newcomer = {
  listener: 'main',
  secret: 'ann',
  ip: '10.0.0.1',
  sni: 'example.org',
  replayKey: Buffer.alloc(48, 3),
}

/** Lets everybody in but `eve`, and notes. */
class NotedGatekeeper implements Gatekeeper {
  readonly told: string[] = []
  quota = Infinity
  admit(who: Newcomer, decided: (verdict: Verdict) => void) {
    this.told.push(`${who.secret} ${who.replayKey === null ? 'again' : who.replayKey.length}`)
    if (who.secret === 'eve') decided({ refused: 'policy_error' })
    else {
      decided({
        transferred: (bytes) => {
          this.quota -= bytes
          return this.quota >= 0
        },
        leave: () => void this.told.push(`${who.secret} left`),
      })
    }
    return () => undefined
  }
  mayFront() {
    return true
  }
}

async function world(o: { grace?: number; gatekeeper?: Gatekeeper; fronts?: string[] } = {}) {
  const env = testEnv()
  const network = memoryNetwork(env.clock, { latency: 1 })
  const centers = new NotedCenters()
  const startBack = (): Promise<Listener<FrontLink>> =>
    backSide({
      env,
      acceptor: network,
      at,
      node: 'b',
      dataCenters: centers,
      gatekeeper: o.gatekeeper ?? null,
      ...(o.fronts && { fronts: o.fronts }),
    })
  let back = await startBack()
  const { grace } = o
  const migrations: string[] = []
  const listener = (name: string) => ({
    ...noMetrics.listener(name),
    migrated: (dcId: number, result: string) => void migrations.push(`${name} ${dcId} ${result}`),
  })
  const front = frontSide({
    env,
    dialer: network,
    back: at,
    node: 'f',
    metrics: { listener },
    mayFront: () => true,
    ...(grace !== undefined && { grace }),
  })
  opened.push(front)
  env.clock.advance(50)
  const pass = (ms = 10) => env.clock.advance(ms)
  return {
    env,
    centers,
    front,
    migrations,
    pass,
    back: () => back,
    crash: () => back.close(end('reset-by-peer')),
    restart: async () => {
      back = await startBack()
    },
    open: () => {
      const client = new NotedClient()
      const tunnel = front.dataCenters.open(request, client)
      if ('refused' in tunnel) throw new Error(tunnel.refused)
      pass()
      return { client, tunnel, far: centers.tunnels.at(-1)! }
    },
  }
}

/** Lets 10 ms pass, and what waits for a promise take its turn. */
async function turn(pass: () => void): Promise<void> {
  pass()
  await new Promise(setImmediate)
}

const opened: FrontSide[] = []
afterEach(() => {
  for (const front of opened.splice(0)) front.pool.close()
})

describe('10 a tunnel through the split link', () => {
  it('carries request, packets, quick acks and credits both ways', async () => {
    const { open, pass } = await world()
    const { client, tunnel, far } = open()
    expect(far.request).toEqual(request)
    tunnel.send(Buffer.from('once'), { quickAck: true })
    tunnel.delivered(2, 300)
    pass()
    expect(far.told).toEqual(['once quick', 'delivered 2 300'])
    far.client.packet(Buffer.from('answer'))
    far.client.quickAck(Buffer.from('01020384', 'hex'))
    pass()
    expect(client.told).toEqual(['answer', 'ack 01020384'])
  })

  it('has one packet outstanding: the client is read again when the back has passed it on', async () => {
    const { open, pass } = await world()
    const { client, tunnel, far } = open()
    far.holdsOnSend = true
    tunnel.send(Buffer.from('once'), { quickAck: false })
    expect(client.holders).toBe(1)
    pass()
    expect([client.holders, far.told]).toEqual([1, ['once']])
    far.release?.()
    pass()
    expect(client.holders).toBe(0)
  })

  it('takes a burst of packets one by one, each as soon as the one before is passed on', async () => {
    const { open, pass } = await world()
    const { client, tunnel, far } = open()
    const packets = ['one.', 'two.', 'tri.', 'four']
    client.whenRead = () => {
      const next = packets.shift()
      if (next !== undefined) tunnel.send(Buffer.from(next), { quickAck: false })
    }
    client.whenRead()
    pass(100)
    expect([far.told, client.holders]).toEqual([['one.', 'two.', 'tri.', 'four'], 0])
  })

  it('is held while its data centre parks it, and a packet that crosses the hold waits for its end', async () => {
    const { open, pass } = await world()
    const { client, tunnel, far } = open()
    const release = far.client.pause()
    tunnel.send(Buffer.from('crossing'), { quickAck: false })
    pass()
    expect([client.holders, far.told]).toEqual([2, []])
    release()
    pass()
    expect([client.holders, far.told]).toEqual([0, ['crossing']])
  })

  it.each<TunnelEnd>(['closed-by-telegram', 'mid-send', 'overflow', 'park-expired', 'unknown-dc'])(
    'ends as %s when the back says so',
    async (why) => {
      const { open, pass, front } = await world()
      const { client, far } = open()
      far.client.closed(why)
      pass()
      expect(client.told).toEqual([`closed: ${why}`])
      expect(front.pool.state.links.map(({ bound }) => bound)).toEqual([0])
    },
  )

  it('that the back refuses ends with its reason', async () => {
    const { front, centers, pass } = await world()
    centers.refuse = 'unknown-dc'
    const client = new NotedClient()
    front.dataCenters.open(request, client)
    pass()
    expect(client.told).toEqual(['closed: unknown-dc'])
  })

  it('closed by the client is closed in the data centre, and the client hears nothing more', async () => {
    const { open, pass } = await world()
    const { client, tunnel, far } = open()
    tunnel.close()
    tunnel.close()
    far.client.packet(Buffer.from('too late'))
    pass()
    expect(far.told).toEqual(['close'])
    expect(client.told).toEqual([])
  })
})

describe('10 when the back dies', () => {
  it('a client with an unanswered packet is closed as mid-send at once', async () => {
    const { open, crash, pass } = await world()
    const busy = open()
    busy.far.holdsOnSend = true
    busy.tunnel.send(Buffer.from('once'), { quickAck: false })
    pass()
    crash()
    pass()
    expect(busy.client.told).toEqual(['closed: mid-send'])
  })

  it('an idle client is parked, and goes on over the back that has restarted; nothing is sent twice', async () => {
    const { open, crash, restart, pass, centers } = await world()
    const idle = open()
    idle.tunnel.send(Buffer.from('at first'), { quickAck: false })
    pass()
    crash()
    pass()
    expect([idle.client.holders, idle.client.told]).toEqual([1, []])
    await restart()
    pass(4_000)
    expect([idle.client.holders, idle.client.told]).toEqual([0, []])
    idle.tunnel.send(Buffer.from('and then'), { quickAck: false })
    pass()
    expect(centers.tunnels.map(({ told }) => told)).toEqual([['at first', 'close'], ['and then']])
  })

  it('an idle client is closed as back-lost when the grace is over', async () => {
    const { open, crash, pass } = await world({ grace: 10_000 })
    const { client } = open()
    crash()
    pass(7_900)
    expect(client.told).toEqual([])
    pass(2_200)
    expect(client.told).toEqual(['closed: back-lost'])
  })

  it('every client is closed promptly without a grace', async () => {
    const { open, crash, pass } = await world({ grace: 0 })
    const { client } = open()
    crash()
    pass()
    expect(client.told).toEqual(['closed: back-lost'])
  })

  it('the front counts, by listener and data centre, who was cut, who went on and who waited in vain', async () => {
    const { open, crash, restart, pass, migrations } = await world({ grace: 10_000 })
    const busy = open()
    busy.far.holdsOnSend = true
    busy.tunnel.send(Buffer.from('once'), { quickAck: false })
    const gone = open()
    open()
    pass()
    gone.tunnel.close()
    crash()
    pass()
    expect(migrations).toEqual(['main -2 mid_send'])
    await restart()
    pass(4_000)
    expect(migrations).toEqual(['main -2 mid_send', 'main -2 parked'])
    crash()
    pass(11_000)
    expect(migrations).toEqual(['main -2 mid_send', 'main -2 parked', 'main -2 empty'])
  })

  it('that only stopped answering is noticed after 15 s of silence', async () => {
    const env = testEnv()
    const network = memoryNetwork(env.clock)
    const told: string[] = []
    const mute = await network.accept(at, {
      incoming: (take) =>
        void take({ opened() {}, data() {}, writable() {}, ended: (why: End) => told.push(why.kind) }),
      failed() {},
    })
    const front = frontSide({
      env,
      dialer: network,
      back: at,
      node: 'f',
      metrics: noMetrics,
      mayFront: () => true,
    })
    opened.push(front)
    env.clock.advance(9_000)
    expect(front.pool.state.slots.opening).toBe(1)
    env.clock.advance(3_000)
    expect(told.length).toBeGreaterThan(0)
    await mute.close()
  })
})

describe('10 when a front dies', () => {
  it('its tunnels are closed, and those of the other fronts are not', async () => {
    const { open, front, pass, centers } = await world()
    const { far } = open()
    expect(centers.tunnels).toHaveLength(1)
    front.pool.close()
    pass()
    expect(far.told).toEqual(['close'])
  })
})

describe('10 a back that drains', () => {
  it('says goodbye: idle clients are parked and go on over its successor', async () => {
    const { open, back, restart, pass } = await world()
    const { client, tunnel } = open()
    const drained = back().drain({ within: 1_000 })
    pass(1_500)
    await drained
    await restart()
    pass(4_000)
    expect([client.told, client.holders]).toEqual([[], 0])
    tunnel.close()
  })

  it('is waited for while it owes an answer, and nobody asks it anything more', async () => {
    const { open, back, pass } = await world()
    const asked = open()
    const idle = open()
    asked.tunnel.send(Buffer.from('question'), { quickAck: false })
    pass()
    const drained = back().drain({ within: 10_000 })
    for (let each = 0; each < 10; each += 1) await turn(pass)
    expect([asked.client.holders, idle.client.holders]).toEqual([1, 1])
    expect(back().state.phase).toBe('draining')
    asked.far.client.packet(Buffer.from('answer'))
    for (let each = 0; each < 5; each += 1) await turn(pass)
    expect(asked.client.told).toEqual(['answer'])
    expect((await drained).took).toBeLessThan(200)
    asked.tunnel.close()
    idle.tunnel.close()
  })

  it('that owes an answer for long is not waited for', async () => {
    const { open, back, pass } = await world()
    const { tunnel } = open()
    tunnel.send(Buffer.from('question'), { quickAck: false })
    pass()
    const drained = back().drain({ within: 10_000 })
    for (let each = 0; each < 150; each += 1) await turn(pass)
    const { took, timedOut } = await drained
    expect({ took: Math.round(took / 100) * 100, timedOut }).toEqual({ took: 1_000, timedOut: false })
    tunnel.close()
  })
})

describe('10 a gatekeeper in the back', () => {
  const ask = (gatekeeper: Gatekeeper, secret = 'ann') => {
    const verdicts: Verdict[] = []
    const withdraw = gatekeeper.admit({ ...newcomer, secret }, (verdict) => verdicts.push(verdict))
    return { verdicts, withdraw }
  }

  it('decides for the front', async () => {
    const gatekeeper = new NotedGatekeeper()
    const { front, pass } = await world({ gatekeeper })
    const ann = ask(front.gatekeeper)
    const eve = ask(front.gatekeeper, 'eve')
    expect(ann.verdicts).toEqual([])
    pass()
    expect(eve.verdicts).toEqual([{ refused: 'policy_error' }])
    const [inside] = ann.verdicts
    if (inside === undefined || 'refused' in inside) throw new Error('refused')
    inside.leave()
    inside.leave()
    pass()
    expect(gatekeeper.told).toEqual(['ann 48', 'eve 48', 'ann left'])
  })

  it('hears what was transferred, and its quota closes the client', async () => {
    const gatekeeper = new NotedGatekeeper()
    gatekeeper.quota = 1_000
    const { front, pass } = await world({ gatekeeper })
    const { verdicts } = ask(front.gatekeeper)
    pass()
    const [inside] = verdicts
    if (inside === undefined || 'refused' in inside) throw new Error('refused')
    expect(inside.transferred(800)).toBe(true)
    pass(2_000)
    expect(inside.transferred(800)).toBe(true)
    pass(2_000)
    expect([gatekeeper.quota, inside.transferred(1)]).toEqual([-600, false])
  })

  it('that has restarted is told who is inside, and does not take them for replays', async () => {
    const gatekeeper = new NotedGatekeeper()
    const { front, pass, crash, restart } = await world({ gatekeeper })
    ask(front.gatekeeper)
    pass()
    crash()
    const late = ask(front.gatekeeper, 'bob')
    await restart()
    pass(4_000)
    expect(gatekeeper.told).toEqual(['ann 48', 'ann left', 'ann again', 'bob 48'])
    expect(late.verdicts).toHaveLength(1)
  })

  it('forgets who has withdrawn before the verdict', async () => {
    const gatekeeper = new NotedGatekeeper()
    const { front, pass } = await world({ gatekeeper })
    const { verdicts, withdraw } = ask(front.gatekeeper)
    withdraw()
    pass()
    expect(verdicts).toEqual([])
    expect(gatekeeper.told).toEqual(['ann 48', 'ann left'])
  })
})

describe('10 a front that the back does not know', () => {
  it('is refused, and goes on trying', async () => {
    const { front, pass } = await world({ fronts: ['front-1'] })
    pass(1_000)
    expect(front.pool.state.links).toEqual([])
    expect(front.pool.state.slots.failed).toBe(0)
  })
})
