/**
 * What becomes of the clients of a front when its back, the link between both, or the front itself is gone.
 *
 *     node --single-threaded-gc --import tsx --conditions=@holdfast/source packages/mtproto-proxy/test/soak/split.ts [clients] [fault]
 *
 * Clients, front, wire, back and Telegram are a process each. `closed`: connections that ended; of these `mid-send` had a
 * packet on its way to the back, and `back lost` waited in vain. `kept`: clients that were parked and bound anew, and
 * answered on the connection that they had. `told`: RPC_CLOSE_CONN that Telegram got. `lost`: packets of kept clients
 * without an answer, as the back had taken them; clients ask again. `ms`: how long an answer took just before.
 *
 * Who sends every 20 ms has a packet on its way for as long as the back takes to say that it has it: the share that is cut
 * by a sudden end is that time in 20 ms, and everybody where it is longer, or where the end is noticed only later, as of a
 * partition. Exits with 1 if a client was closed for no reason of these, or one that was idle had somewhere to wait.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestClient, testClient } from '@holdfast/mtproto-proxy/testing'
import { type NodeFigures, NodeProcess } from '../support/node-process.js'
import { TelegramProcess } from '../support/telegram-process.js'
import { WireProcess } from '../support/wire-process.js'

const count = Number(process.argv[2] ?? 500)
const only = process.argv[3] ?? ''
const secret = 'd0d6e111bada5511fcce9584deadbeef'
/** How often clients send, in milliseconds. */
const paces = [null, 1000, 20] as const
/** Of those who send all the time there are fewer: more than one machine carries would all have a packet on its way. */
const clientsAt = (every: number | null): number => Math.ceil(every === 20 ? count / 20 : count)

/** A front and its back with a wire between them that can be cut. */
class Split implements AsyncDisposable {
  readonly telegram: TelegramProcess
  readonly front: NodeProcess
  readonly wire: WireProcess
  back: NodeProcess
  readonly #backConfig: Record<string, unknown>

  static async start(grace: number): Promise<Split> {
    const telegram = await TelegramProcess.start({ dcIds: [2] })
    const at = await freePort()
    const backConfig = {
      node_role: 'back',
      split: { listen: `tcp://127.0.0.1:${at}` },
      ...telegram.config,
    }
    const back = await NodeProcess.start(backConfig)
    const wire = await WireProcess.start(at)
    const front = await NodeProcess.start({
      node_role: 'front',
      listen_ip: '127.0.0.1',
      back_node: `tcp://127.0.0.1:${wire.port}`,
      ports: [{ name: 'main', port: 0, secret }],
      split: { grace_ms: grace },
    })
    await front.until(({ hasBack }) => hasBack)
    return new Split({ telegram, front, wire, back }, backConfig)
  }

  private constructor(
    parts: Pick<Split, 'telegram' | 'front' | 'wire' | 'back'>,
    backConfig: Record<string, unknown>,
  ) {
    this.telegram = parts.telegram
    this.front = parts.front
    this.wire = parts.wire
    this.back = parts.back
    this.#backConfig = backConfig
  }

  async restartBack(): Promise<void> {
    this.back = await NodeProcess.start(this.#backConfig)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front[Symbol.asyncDispose]()
    await this.back[Symbol.asyncDispose]()
    await this.wire[Symbol.asyncDispose]()
    await this.telegram[Symbol.asyncDispose]()
  }
}

/** A client, and which of its packets have been answered. */
class Asker {
  readonly client: TestClient
  readonly answered = new Set<number>()
  sent = 0
  #taken = 0

  constructor(port: number) {
    this.client = testClient({ port, secret: `dd${secret}` })
  }

  get isOpen(): boolean {
    return this.client.phase === 'ready'
  }

  send(): Promise<void> {
    const packet = Buffer.alloc(64, 7)
    packet.writeUInt32LE(this.sent, 8)
    this.sent += 1
    return this.client.send(packet)
  }

  async untilAnswered(): Promise<void> {
    const last = this.sent - 1
    await this.client.until(() => {
      for (const packet of this.client.packets.slice(this.#taken)) this.answered.add(packet.readUInt32LE(8))
      this.#taken = this.client.packets.length
      return this.answered.has(last) || this.client.phase === 'closed'
    })
  }
}

interface Outcome {
  readonly clients: number
  readonly took: number
  readonly closed: number
  readonly midSend: number
  readonly backLost: number
  readonly kept: number
  readonly told: number
  readonly lost: number
}

interface Fault {
  readonly name: string
  /** How long clients may wait for the back, in milliseconds. */
  readonly grace: number
  /** Breaks what is to be broken; resolves when it is whole again, or will not be. */
  readonly happen: (split: Split) => Promise<void>
  /** Whether an idle client survives it. */
  readonly isSurvived: boolean
}

const faults: readonly Fault[] = [
  {
    name: 'back killed and restarted',
    grace: 60_000,
    isSurvived: true,
    async happen(split) {
      await split.back.kill()
      await split.restartBack()
      await split.front.until(({ hasBack }) => hasBack)
    },
  },
  {
    name: 'the same, without a grace',
    grace: 0,
    isSurvived: false,
    async happen(split) {
      await split.back.kill()
      await split.restartBack()
      await split.front.until(({ hasBack }) => hasBack)
    },
  },
  {
    name: 'back killed for good',
    grace: 1000,
    isSurvived: false,
    happen: async (split) => {
      await split.back.kill()
      await split.front.until(({ parked, clients }) => parked === 0 && clients === 0)
    },
  },
  {
    name: 'wire reset',
    grace: 60_000,
    isSurvived: true,
    async happen(split) {
      await split.wire.tell('reset')
      await split.front.until(({ hasBack }) => hasBack)
    },
  },
  {
    name: 'partition of 20 s',
    grace: 60_000,
    isSurvived: true,
    async happen(split) {
      await split.wire.tell('partition')
      await pause(20_000)
      await split.wire.tell('heal')
      await split.front.until(({ hasBack }) => hasBack)
    },
  },
  {
    name: 'front killed',
    grace: 10_000,
    isSurvived: false,
    happen: (split) => split.front.kill(),
  },
]

async function run({ grace, happen }: Fault, every: number | null): Promise<Outcome> {
  const clients = clientsAt(every)
  await using split = await Split.start(grace)
  const { telegram, front } = split
  const askers: Asker[] = []
  while (askers.length < clients) {
    const some = Array.from({ length: Math.min(100, clients - askers.length) }, () => new Asker(front.port))
    for (const asker of some) void asker.send()
    await Promise.all(some.map((asker) => asker.untilAnswered()))
    askers.push(...some)
  }
  let isOver = false
  const loops = askers.map(async (asker, index) => {
    if (every === null) return
    await pause((every * index) / clients)
    while (!isOver && asker.isOpen) {
      await asker.send()
      await pause(every)
    }
  })
  if (every !== null) await pause(Math.max(1000, every))
  const told = async (): Promise<number> => (await telegram.figures()).closeConns
  const early = await told()
  const took = await answerTime(front.port)
  // Telegram is told of that one, too.
  while ((await told()) === early) await pause(50)
  const before = await told()
  await happen(split)
  isOver = true
  await Promise.all(loops)
  await pause(300)
  for (const asker of askers) if (asker.isOpen) void asker.send()
  await Promise.all(askers.map((asker) => asker.untilAnswered()))
  const open = askers.filter(({ isOpen: open }) => open)
  const ends: NodeFigures['ends'] = await front.figures().then(
    (figures) => figures.ends,
    () => ({}),
  )
  const outcome = {
    took,
    clients,
    closed: clients - open.length,
    midSend: ends['mid-send'] ?? 0,
    backLost: ends['back-lost'] ?? 0,
    kept: open.length,
    told: (await told()) - before,
    lost: open.reduce((sum, { sent, answered }) => sum + sent - answered.size, 0),
  }
  for (const { client } of askers) await client[Symbol.asyncDispose]()
  return outcome
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** How long an answer takes, in milliseconds, while the others talk. */
async function answerTime(port: number): Promise<number> {
  await using client = testClient({ port, secret: `dd${secret}` })
  await client.until(() => client.phase === 'ready')
  const began = performance.now()
  await client.ask(Buffer.alloc(64, 7))
  return performance.now() - began
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** All of them accounted for, and nobody closed who could wait. */
function isSound({ isSurvived, name }: Fault, every: number | null, o: Outcome): boolean {
  if (name === 'front killed') return o.kept === 0 && o.told === o.clients
  const isAccounted = o.closed === o.midSend + o.backLost && o.closed + o.kept === o.clients
  if (!isSurvived) return isAccounted && o.kept === 0
  return isAccounted && o.backLost === 0 && (every !== null || o.closed === 0)
}

const columns = ['clients', 'closed', 'mid-send', 'back lost', 'kept', 'told', 'lost', 'ms']
console.log(`${'what'.padEnd(42)}${columns.map((column) => column.padEnd(11)).join('')}`)
for (const fault of faults) {
  for (const every of paces) {
    const title = `${fault.name}, ${every === null ? 'idle' : `every ${every} ms`}`
    if (!title.includes(only)) continue
    const outcome = await run(fault, every)
    const sound = isSound(fault, every, outcome)
    if (!sound) process.exitCode = 1
    const { clients, closed, midSend, backLost, kept, told, lost, took } = outcome
    const figures = [clients, closed, midSend, backLost, kept, told, lost, took.toFixed(1)]
    const row = figures.map((figure) => String(figure).padEnd(11)).join('')
    console.log(`${title.padEnd(42)}${row}${sound ? '' : 'BROKEN'}`)
  }
}
