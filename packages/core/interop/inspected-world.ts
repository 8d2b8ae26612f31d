/** Something to look at: nouns of every kind, on a network within the process, at work by themselves. */
import {
  type Binding,
  cursor,
  type Env,
  end,
  feed,
  type Lifecycle,
  type LinkProtocol,
  type LinkScope,
  lifecycle,
  listen,
  type Pool,
  pool,
  roster,
} from '../src/index.js'
import { fakeScope, memoryNetwork } from '../src/testing/index.js'

/** How much there is to look at. */
export interface WorldOptions {
  readonly env: Env
  readonly lifecycles: number
  /** How many links are lost in a second. */
  readonly lostPerSecond: number
}

class Plain implements LinkProtocol {
  readonly scope: LinkScope

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  data(): void {
    // Nothing is said.
  }
}

const protocol = (scope: LinkScope): Plain => new Plain(scope)
const reasons = ['silent', 'reset-by-peer', 'closed-by-peer', 'protocol-error'] as const

/** Makes a world, which goes on until the process ends. */
export async function inspectedWorld({ env, lifecycles, lostPerSecond }: WorldOptions): Promise<void> {
  const network = memoryNetwork(env.clock, { latency: 40 })
  const limit = lifecycles + 1000
  const server = {
    env: { ...env, name: 'server' },
    acceptor: network,
    at: { uri: 'memory:server' },
    protocol,
  }
  await listen({ ...server, limits: { links: limit, handshaking: limit } })
  const lives = manyLifecycles(env, network, lifecycles)
  await ready(lives.slice(0, -Math.ceil(lives.length / 100)))
  const everySecond = (fn: () => void): void => void env.clock.sweep(1000, fn)
  const someOf = <T>(all: readonly T[]): T | undefined => all[Math.floor(env.random() * all.length)]
  everySecond(() => {
    for (let n = 0; n < lostPerSecond; n += 1) {
      const kind = someOf(reasons) ?? 'silent'
      someOf(lives)?.restart(end(kind, { code: 1006, detail: 'lost on purpose' }))
    }
  })
  for (const name of ['dc 1', 'dc 2']) movingPool({ ...env, name }, network)
  for (const key of ['events', 'typing', 'receipts', 'presence']) busyCursor(env, key)
  comingAndGoing({ ...env, name: 'the bridge' }, 40)
  comingAndGoing({ ...env, name: 'the engine room' }, 8)
  readers(env)
}

/** One in a hundred has nobody to dial. */
function manyLifecycles(env: Env, dialer: ReturnType<typeof memoryNetwork>, count: number): Lifecycle[] {
  return Array.from({ length: count }, (_, n) => {
    const isLost = n >= count - Math.ceil(count / 100)
    const name = `relay ${String(n).padStart(5, '0')}`
    const uri = isLost ? 'memory:nobody' : 'memory:server'
    const admission = {
      waiting: 0,
      enter: (_who: string, go: (leave: () => void) => void) => (go(() => {}), () => {}),
    }
    const life = lifecycle({ env: { ...env, name, admission }, dialer, endpoints: [{ uri }], protocol })
    life.start()
    return life
  })
}

async function ready(lives: readonly Lifecycle[]): Promise<void> {
  await Promise.all(lives.map((life) => life.whenReady({ within: 60_000 })))
}

/** Its links are retired one after another, and those who are on them move. */
function movingPool(env: Env, dialer: ReturnType<typeof memoryNetwork>): void {
  const links: Pool<number, Plain> = pool<number, Plain>({
    env,
    size: { min: 4, max: 6 },
    park: { within: 10_000, max: 1000 },
    slot: { env, dialer, endpoints: [{ uri: 'memory:server' }], protocol },
    label: (session) => `client ${session}`,
    mover: {
      movable: (session) => (session % 29 === 0 ? 'pinned' : true),
      attach: () => undefined,
      detach: () => undefined,
      released: (session) => {
        bindAgain(session)
      },
    },
  })
  const bindings: (Binding<number, Plain> | object)[] = []
  const bindAgain = (session: number): void => {
    env.clock.after(500, () => bindings.push(links.bind(session)))
  }
  links.start()
  env.clock.after(500, () => {
    for (let session = 1; session <= 120; session += 1) bindings.push(links.bind(session))
  })
  let turn = 0
  env.clock.sweep(2000, () => {
    const { state } = links
    const victim = state.links.find(({ phase }) => phase === 'ready')
    turn += 1
    if (victim === undefined) return
    if (turn % 3 === 0) void links.retire(victim.id, { within: 1500 })
    else void links.replace(victim.id, { within: 1500 })
  })
}

/** What it receives takes a while to apply. */
function busyCursor(env: Env, key: string): void {
  const log = cursor<number, string>({
    env,
    key,
    compare: (a, b) => a - b,
    sizeOf: (item) => item.length,
    apply: () => new Promise((resolve) => void env.clock.after(20 + env.random() * 400, resolve)),
    resync: async (_why, peer) => peer,
    staging: { bytes: 1 << 20 },
    backlog: { bytes: 1 << 20 },
    store: { load: async () => null, save: async () => undefined },
    saveEvery: 1000,
  })
  void log.load().then(() => {
    const link = fakeScope()
    let at = 0
    env.clock.sweep(250, () => {
      at += Math.ceil(env.random() * 5)
      const batch = log.open(link)
      batch.add('row')
      batch.seal(at)
      if (env.random() < 0.01) void log.reset('too-old', { at: at + 1 })
    })
  })
}

function comingAndGoing(env: Env, count: number): void {
  const members = roster<string, null>({ env, keep: () => ({ for: 60_000, max: 20 }) })
  const nameOf = (n: number): string => `member ${String(n).padStart(2, '0')}`
  for (let n = 0; n < count; n += 1) members.join(nameOf(n), null)
  env.clock.sweep(700, () => {
    const name = nameOf(Math.floor(env.random() * count))
    if (members.live.has(name)) members.freeze(name, env.random() < 0.5 ? 'silent' : 'no-connection')
    else if (members.touch(name) === 'unknown') members.join(name, null)
  })
}

function readers(env: Env): void {
  feed<number, string>({
    env: { ...env, name: 'events' },
    compare: (a, b) => a - b,
    head: () => 0,
    read: async () => 'too-old',
    sizeOf: (item) => item.length,
    page: { bytes: 1000 },
    live: { bytes: 1000 },
  })
}
