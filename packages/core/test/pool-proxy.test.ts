/** A pool as a proxy uses it: clients behind few upstream links, in one process and split in two. */
import {
  type Acceptor,
  type Binding,
  type Endpoint,
  type Env,
  type Link,
  type LinkProtocol,
  type LinkScope,
  listen,
  type Off,
  type Pool,
  pool,
} from '@holdfast/core'
import { fakeScope, memoryNetwork, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

type Network = ReturnType<typeof memoryNetwork>

class DcConn implements LinkProtocol {
  readonly scope: LinkScope
  readonly clients = new Map<number, Client>()

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  data(chunk: Uint8Array): void {
    for (const line of new TextDecoder().decode(chunk).split('\n')) {
      const [id, answer] = line.split(' ')
      if (answer !== undefined) this.clients.get(Number(id))?.answers.push(answer)
    }
  }

  send(client: Client, packet: string): void {
    client.unsent = packet
    const result = this.scope.link.write(`${client.id} ${packet}\n`)
    client.sentUpTo = this.scope.link.accepted
    if (result === 'full') client.hold ??= client.front.pause()
  }

  hasFlushed(mark: number): boolean {
    return this.scope.link.accepted - this.scope.link.unflushed >= mark
  }

  writable(): void {
    for (const client of this.clients.values()) if (this.hasFlushed(client.sentUpTo)) client.flushed()
  }
}

class Client {
  readonly id: number
  readonly front: Link
  readonly answers: string[] = []
  sentUpTo = 0
  unsent: string | null = null
  hold: Off | null = null
  parked: Off | null = null
  closed: string | null = null
  binding: Binding<Client, DcConn> | null = null

  constructor(id: number, front: Link = fakeScope().link) {
    this.id = id
    this.front = front
  }

  flushed(): void {
    this.hold?.()
    this.hold = null
    this.unsent = null
  }
}

function dcPool(
  env: Env,
  network: Network,
  addresses: Endpoint[],
  resendUnsent: boolean,
): Pool<Client, DcConn> {
  return pool<Client, DcConn>({
    env,
    size: { min: 1, max: 1 },
    park: { within: 3000, max: 10_000 },
    slot: {
      env,
      dialer: network,
      endpoints: addresses,
      protocol: (scope) => new DcConn(scope),
      stableAfter: 5000,
      outbound: { bytes: 1 << 22 },
      advise: (why, reached) =>
        why.kind === 'closed-by-peer' && reached.phase === 'stable' ? { kind: 'now' } : why.advice,
    },
    mover: {
      movable: (client, from) =>
        from.hasFlushed(client.sentUpTo) || (resendUnsent && client.unsent !== null) ? true : 'mid-send',
      attach: (client, to) => {
        to.clients.set(client.id, client)
        client.parked?.()
        client.parked = null
        const again = client.unsent
        client.sentUpTo = 0
        if (again !== null) to.send(client, again)
      },
      detach: (client, from, alive) => {
        from.clients.delete(client.id)
        if (from.hasFlushed(client.sentUpTo)) client.unsent = null
        if (alive) from.scope.link.write(`${client.id} gone\n`)
        client.parked ??= client.front.pause()
      },
      released: (client, why) => {
        client.parked?.()
        client.closed = String(why.code)
      },
    },
  })
}

/** A data centre that answers each line with itself in capitals. */
function dataCentre(env: Env, acceptor: Acceptor, at: string) {
  return listen({
    env,
    acceptor,
    at: { uri: at },
    limits: { links: 10, handshaking: 10 },
    protocol: (scope) => {
      scope.ready()
      return {
        data: (chunk) => void scope.link.write(new TextDecoder().decode(chunk).toUpperCase()),
      }
    },
  })
}

function bound(pool: Pool<Client, DcConn>, client: Client): Client {
  const binding = pool.bind(client)
  if ('refused' in binding) throw new Error(`refused: ${binding.refused.code}`)
  client.binding = binding
  return client
}

describe('clients behind a pool of links to a data centre', () => {
  it('I14: are moved when the data centre closes a stable link, and talk on', async () => {
    const env = testEnv()
    const network = memoryNetwork(env.clock)
    const server = await dataCentre(env, network, 'memory:dc')
    const upstreams = dcPool(env, network, [{ uri: 'memory:dc' }], false)
    upstreams.start()
    const clients = [1, 2, 3].map((id) => bound(upstreams, new Client(id)))
    env.clock.advance(6000)
    for (const client of clients) client.binding?.on?.send(client, 'hello')
    env.clock.advance(100)
    for (const { scope } of serverLinks(upstreams))
      scope.fail({ kind: 'closed-by-peer', advice: { kind: 'now' } })
    expect(clients.map(({ binding }) => binding?.state)).toEqual(['parked', 'parked', 'parked'])
    expect(clients.every(({ front }) => (front as unknown as { isPaused: boolean }).isPaused)).toBe(true)
    env.clock.advance(1000)
    for (const client of clients) client.binding?.on?.send(client, 'again')
    env.clock.advance(100)
    expect(clients.map(({ answers }) => answers)).toEqual(Array(3).fill(['HELLO', 'AGAIN']))
    expect(clients.map(({ binding }) => binding?.moves)).toEqual([1, 1, 1])
    upstreams.close()
    server.close()
    expect(clients.map(({ closed }) => closed)).toEqual(['closed', 'closed', 'closed'])
  })

  /** The protocols of the links that clients are on. */
  function serverLinks(upstreams: Pool<Client, DcConn>): DcConn[] {
    const probe = bound(upstreams, new Client(99))
    const { on } = probe.binding!
    probe.binding?.release()
    return on === null ? [] : [on]
  }
})

class BackLink implements LinkProtocol {
  readonly scope: LinkScope
  readonly clients = new Map<number, FrontClient>()

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  data(chunk: Uint8Array): void {
    for (const line of new TextDecoder().decode(chunk).split('\n')) {
      const [verb, id, answer] = line.split(' ')
      if (verb === 'answer') this.clients.get(Number(id))?.heard(String(answer))
      if (verb === 'closed') this.clients.get(Number(id))?.binding?.release({ code: 'closed-by-back' })
    }
  }

  say(verb: string, client: FrontClient, packet = ''): void {
    this.scope.link.write(`${verb} ${client.id} ${packet}\n`)
  }
}

class FrontClient {
  readonly id: number
  readonly answers: string[] = []
  unanswered = false
  closed: string | null = null
  binding: Binding<FrontClient, BackLink> | null = null

  constructor(id: number) {
    this.id = id
  }

  ask(packet: string): void {
    this.unanswered = true
    this.binding?.on?.say('packet', this, packet)
  }

  heard(answer: string): void {
    this.unanswered = false
    this.answers.push(answer)
  }
}

function front(env: Env, network: Network): Pool<FrontClient, BackLink> {
  return pool<FrontClient, BackLink>({
    env,
    size: { min: 1, max: 1 },
    park: { within: 5000, max: 20_000 },
    slot: {
      env,
      dialer: network,
      endpoints: [{ uri: 'memory:back' }],
      protocol: (scope) => new BackLink(scope),
      keepalive: { sendEvery: 5000, hearWithin: 15_000, arm: 'at-open' },
    },
    mover: {
      movable: ({ unanswered }) => (unanswered ? 'mid-send' : true),
      attach: (client, to) => {
        to.clients.set(client.id, client)
        to.say('open', client)
      },
      detach: (client, from) => void from.clients.delete(client.id),
      released: (client, why) => {
        client.closed = String(why.code)
      },
    },
  })
}

function back(env: Env, network: Network, upstreams: Pool<Client, DcConn>) {
  return listen({
    env,
    acceptor: network,
    at: { uri: 'memory:back' },
    limits: { links: 64, handshaking: 8 },
    protocol: (scope) => {
      const handles = new Map<number, Client>()
      scope.ready()
      // A front died, and all its clients with it.
      scope.defer(() => {
        for (const client of handles.values()) client.binding?.release()
      })
      const open = (id: number): void => {
        const client = new Client(id, scope.link)
        const bound = upstreams.bind(client)
        client.answers.push = (answer) => {
          scope.link.write(`answer ${id} ${answer}\n`)
          return 0
        }
        if ('refused' in bound) scope.link.write(`closed ${id}\n`)
        else {
          client.binding = bound
          handles.set(id, client)
        }
      }
      return {
        data: (chunk) => {
          for (const line of new TextDecoder().decode(chunk).split('\n')) {
            const [verb, name, packet] = line.split(' ')
            const client = handles.get(Number(name))
            if (verb === 'open') open(Number(name))
            if (verb === 'packet' && client !== undefined) client.binding?.on?.send(client, String(packet))
          }
        },
      }
    },
  })
}

describe('a proxy that is split in two, each half with a pool', () => {
  it('I15: cuts clients with an unanswered packet when the link between is lost, and binds the idle again', async () => {
    const env = testEnv()
    const network = memoryNetwork(env.clock)
    const centre = await dataCentre(env, network, 'memory:dc')
    const upstreams = dcPool(env, network, [{ uri: 'memory:dc' }], true)
    upstreams.start()
    env.clock.advance(100)
    const server = await back(env, network, upstreams)
    const fronts = front(env, network)
    fronts.start()
    const clients = [1, 2].map((id) => {
      const client = new FrontClient(id)
      const binding = fronts.bind(client)
      if (!('refused' in binding)) client.binding = binding
      return client
    })
    const [idle, busy] = clients as [FrontClient, FrontClient]
    env.clock.advance(1000)
    idle.ask('one')
    env.clock.advance(100)
    expect(idle.answers).toEqual(['ONE'])
    expect(upstreams.state.links[0]?.bound).toBe(2)

    busy.ask('two')
    busy.binding?.on?.scope.fail({ kind: 'reset-by-peer', advice: { kind: 'backoff' } })
    expect([busy.closed, idle.binding?.state]).toEqual(['mid-send', 'parked'])
    env.clock.advance(3000)
    expect(upstreams.state.links[0]?.bound).toBe(1)
    idle.ask('three')
    env.clock.advance(100)
    expect(idle.answers).toEqual(['ONE', 'THREE'])
    fronts.close()
    server.close()
    upstreams.close()
    centre.close()
    expect(env.clock.pending).toBe(0)
  })
})
