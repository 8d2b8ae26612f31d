import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Scorecard } from '@holdfast/core/service'
import { type BindUdp, bindUdp } from '../src/tox/udp-socket.js'
import { RealPeer } from '../test/support/real-peer.js'
import { OurNode } from './our-node.js'
import { both, freePort, type Scenario, until } from './stage.js'

/** Longer than anybody silent stays unfrozen: a minute, and the links' 32 s. */
const splitMs = 100_000

/** A UDP port that cannot reach some others of this host. */
class CutUdp {
  cut: readonly number[] = []

  readonly bind: BindUdp = async (at, receive) => {
    const socket = await bindUdp(at, (packet, from) => {
      if (!this.cut.includes(from.port)) receive(packet, from)
    })
    return {
      address: socket.address,
      send: (to, packet) => !this.cut.includes(to.port) && socket.send(to, packet),
      close: () => socket.close(),
    }
  }
}

/** A TCP line that can be cut. */
class Line implements AsyncDisposable {
  isCut = false
  readonly port: Promise<number>
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(to: number) {
    this.#server = createServer((near) => {
      const far = connect(to, '127.0.0.1')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
      if (this.isCut) near.destroy()
    })
    this.port = new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      })
    })
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.isCut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Two of ours in the middle of a chain, a real one at either end: `first`, `a`, `b`, `last`. */
interface Chain {
  readonly first: RealPeer
  readonly a: OurNode
  readonly b: OurNode
  readonly last: RealPeer
}

/** `a` opens a conference, and each invites the next. */
async function assemble({ first, a, b, last }: Chain, card: Scorecard): Promise<void> {
  await card.seen(
    'each is online for the next',
    Promise.all([a.online(first.realKey), a.online(b.node.realKey), b.online(last.realKey)]),
  )
  const number = a.node.conferences.create() ?? -1
  await accept(first, a.node.conferences.invite(number, first.realKey))
  a.node.conferences.invite(number, b.node.realKey)
  const { identifier } = await b.conference('invited')
  b.node.conferences.accept(a.node.realKey, identifier)
  await b.conference('connected')
  await accept(last, b.node.conferences.invite(0, last.realKey))
  await card.seen(
    'all four list all four',
    Promise.all([first, last].map((real) => real.says(/^peers 0 live 4 /))),
  )
}

async function accept(real: RealPeer, refused: string | null): Promise<void> {
  if (refused !== null) throw new Error(`could not invite ${real.name}: ${refused}`)
  const [, friend, cookie] = (await real.says(/^invited /)).split(' ')
  await real.do(`accept ${friend} ${cookie}`)
}

/** Both halves have frozen the other one, and go on; then there is one link, and all see and hear all. */
async function splitAndHeal(
  { first, a, b, last }: Chain,
  cut: () => Promise<void>,
  mend: () => void,
  card: Scorecard,
): Promise<void> {
  await cut()
  await card.seen(
    'each half freezes the other, and goes on',
    until(async () => {
      const counts = [a, b].map(({ node }) => {
        const { members = [] } = node.conferences.get(0) ?? {}
        return members.filter(({ frozen }) => frozen !== null).length
      })
      const reals = await Promise.all([first, last].map((real) => lists(real, 'live 2 frozen 2')))
      return counts.every((frozen) => frozen === 2) && reals.every((isSo) => isSo)
    }, splitMs),
  )
  const from = { first: first.lines.length, last: last.lines.length }
  mend()
  await card.seen(
    'through one link between two of them all four list all four again',
    both(
      until(() => lists(first, 'live 4 frozen 0'), 60_000),
      until(() => lists(last, 'live 4 frozen 0'), 60_000),
    ),
  )
  await first.do('talk 0 from one end')
  await last.do('talk 0 from the other')
  await card.seen(
    'what is said at one end is heard at the other',
    both(
      last.says(/^said 0 \S+ from one end$/, { from: from.last }),
      first.says(/^said 0 \S+ from the other$/, { from: from.first }),
    ),
  )
}

async function lists(real: RealPeer, what: string): Promise<boolean> {
  const from = real.lines.length
  await real.do('peers 0')
  return real.lines.slice(from).some((line) => line.startsWith(`peers 0 ${what}`))
}

/** A split of two and two, over UDP. */
export const split: Scenario = {
  name: 'split',
  about: 'two of ours and two real ones are split two and two, and heal through one link (takes 100 s)',
  async run({ program, card }) {
    const cables = { a: new CutUdp(), b: new CutUdp() }
    await using first = await RealPeer.start(program, 'first')
    await using last = await RealPeer.start(program, 'last')
    await using a = await OurNode.start('a', { bindUdp: cables.a.bind })
    await using b = await OurNode.start('b', { bindUdp: cables.b.bind })
    const place = { dhtKey: b.node.dhtKey, address: b.node.address ?? { host: '127.0.0.1', port: 0 } }
    await first.do(`add ${a.node.realKey}`)
    await last.do(`add ${b.node.realKey}`)
    a.node.befriend(first.realKey, first.place)
    b.node.befriend(last.realKey, last.place)
    b.node.befriend(a.node.realKey)
    a.node.befriend(b.node.realKey, place)
    const chain = { first, a, b, last }
    await assemble(chain, card)
    const cut = async (): Promise<void> => {
      cables.a.cut = [place.address.port, last.port]
      cables.b.cut = [a.node.address?.port ?? 0, first.port]
      await first.do(`cut ${last.port}`)
      await last.do(`cut ${first.port}`)
    }
    const mend = (): void => {
      cables.a.cut = [last.port]
      cables.b.cut = [first.port]
    }
    await splitAndHeal(chain, cut, mend, card)
  },
}

/** The same without UDP: each end meets its neighbour at a relay of its own, and the two halves at a third. */
export const splitBehindRelays: Scenario = {
  name: 'split-relay',
  about:
    'the same through TCP relays made of libtoxcore: the line to the one in the middle is cut (takes 100 s)',
  async run({ program, card }) {
    const ports = [await freePort(), await freePort(), await freePort()] as const
    await using left = await RealPeer.start(program, 'left', { tcp: ports[0] })
    await using middle = await RealPeer.start(program, 'middle', { tcp: ports[1] })
    await using right = await RealPeer.start(program, 'right', { tcp: ports[2] })
    await using line = new Line(ports[1])
    const at = (relay: RealPeer, port: number) => ({ key: relay.dhtKey, host: '127.0.0.1', port })
    const between = at(middle, await line.port)
    await using a = await OurNode.start('a', { listen: null, relays: [at(left, ports[0]), between] })
    await using b = await OurNode.start('b', { listen: null, relays: [at(right, ports[2]), between] })
    await using first = await RealPeer.start(program, 'first', { udp: 0 })
    await using last = await RealPeer.start(program, 'last', { udp: 0 })
    await first.do(`relay 127.0.0.1 ${ports[0]} ${left.dhtKey}`)
    await last.do(`relay 127.0.0.1 ${ports[2]} ${right.dhtKey}`)
    await first.do(`add ${a.node.realKey}`)
    await last.do(`add ${b.node.realKey}`)
    a.node.befriend(first.realKey, { dhtKey: first.dhtKey })
    b.node.befriend(last.realKey, { dhtKey: last.dhtKey })
    b.node.befriend(a.node.realKey)
    a.node.befriend(b.node.realKey, { dhtKey: b.node.dhtKey })
    const chain = { first, a, b, last }
    await assemble(chain, card)
    const cut = (): Promise<void> => {
      line.cut()
      return Promise.resolve()
    }
    await splitAndHeal(chain, cut, () => line.mend(), card)
  },
}
