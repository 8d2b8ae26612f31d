/**
 * Ten thousand hostile peers, each with its own address, DHT key and real key, talk to a node without pause: cookie requests, handshakes of
 * strangers by good cookies, the same again, questions and pings of the hash table, calls of the local network, data of no connection. Meanwhile
 * an honest friend and the node talk; how long a message takes, and what the node's memory comes to, is printed, and fails the run if it is out of
 * bounds.
 *
 * Usage: `node --expose-gc --import tsx --conditions=@holdfast/source packages/conference/test/soak/hostile-peers.ts [seconds] [peers]`
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cryptoReady, KeyPair, nonceBytes } from '../../src/tox/crypto/box.js'
import { encodeLanDiscovery, sealDht } from '../../src/tox/dht/packets.js'
import {
  openCookieResponse,
  packetKinds,
  sealCookieRequest,
  sealHandshake,
} from '../../src/tox/net-crypto/packets.js'
import { online, type TestNode, testNode } from '../support/tox-nodes.js'

const [seconds = 60, peers = 10_000] = process.argv.slice(2, 4).map(Number)
/** Milliseconds that a message may take in 99 of 100 cases, while attackers have a core and more for themselves. */
const slowestAllowed = 500
const mostGrowthMiB = 32

await cryptoReady
if (process.argv[4] === 'attack')
  await attack(process.argv[5] ?? '', process.argv[6] ?? '', Number(process.argv[7]))
else await stand()

async function stand(): Promise<void> {
  await using a = await testNode('victim')
  await using b = await testNode('friend')
  a.node.befriend(b.node.realKey)
  b.node.befriend(a.node.realKey, a.place)
  await Promise.all([online(a, b), online(b, a)])
  const calm = await talk(a, b, 3)
  const before = heapMiB()
  const self = fileURLToPath(import.meta.url)
  const child = fork(self, [
    String(seconds),
    String(peers),
    'attack',
    a.node.dhtKey,
    a.node.realKey,
    String(a.place.address.port),
  ])
  await once(child, 'message')
  const stormy = await talk(a, b, seconds)
  const during = heapMiB()
  child.kill('SIGKILL')
  await once(child, 'exit')
  await delay(2000)
  const after = heapMiB()
  const { received, dropped } = a.node.traffic
  console.log(
    JSON.stringify(
      { peers, seconds, received: received.udp, dropped, calm, stormy, heapMiB: { before, during, after } },
      null,
      2,
    ),
  )
  const flaws = [
    ...(stormy.lost > 0 ? [`${stormy.lost} messages were lost`] : []),
    ...(stormy.p99 > slowestAllowed ? [`a message took ${stormy.p99} ms`] : []),
    ...(Math.max(during, after) - before > mostGrowthMiB ? ['the heap grew'] : []),
    ...(a.news.some((news) => news.kind === 'friend' && news.changed === 'isOnline' && !news.friend.isOnline)
      ? ['the friend was lost']
      : []),
  ]
  console.log(flaws.length === 0 ? 'unharmed' : flaws.join('; '))
  process.exitCode = flaws.length === 0 ? 0 : 1
}

/** The friend says something ten times a second. */
async function talk(
  a: TestNode,
  b: TestNode,
  forSeconds: number,
): Promise<{ p50: number; p99: number; lost: number }> {
  const took: number[] = []
  const heard = a.news.length
  const sentAt = new Map<string, number>()
  for (let n = 0; n < forSeconds * 10; n += 1) {
    const text = `${heard}.${n}`
    sentAt.set(text, performance.now())
    b.node.friends.say(a.node.realKey, text)
    void a
      .told('message', (news) => news.text === text)
      .then(() => took.push(performance.now() - (sentAt.get(text) ?? 0)))
    await delay(100)
  }
  await delay(3000)
  took.sort((x, y) => x - y)
  const at = (share: number): number =>
    Math.round((took[Math.ceil(took.length * share) - 1] ?? Infinity) * 10) / 10
  return { p50: at(0.5), p99: at(0.99), lost: sentAt.size - took.length }
}

function heapMiB(): number {
  global.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return Math.round((heapUsed + external) / 2 ** 20)
}

async function attack(dhtKey: string, realKey: string, port: number): Promise<void> {
  const all: (() => void)[] = []
  for (let n = 0; n < peers; n += 1)
    all.push(await attacker(`127.1.${n >> 8}.${n & 0xff || 1}`, dhtKey, realKey, port))
  process.send?.('ready')
  for (;;) {
    for (const [n, act] of all.entries()) {
      act()
      if (n % 200 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function attacker(host: string, dhtKey: string, realKey: string, port: number): Promise<() => void> {
  const socket = await bound(host)
  const [dht, real] = [new KeyPair(randomBytes(32)), new KeyPair(randomBytes(32))]
  const shared = dht.agree(Buffer.from(dhtKey, 'hex'))
  const real2 = real.agree(Buffer.from(realKey, 'hex'))
  if (!shared || !real2) throw new Error('no such keys')
  const echo = randomBytes(8)
  const nonce = (): Buffer => randomBytes(nonceBytes)
  let handshake: Uint8Array | null = null
  socket.on('message', (packet) => {
    const cookie = packet[0] === packetKinds.cookieResponse ? openCookieResponse(packet, shared, echo) : null
    if (cookie === null) return
    const told = { baseNonce: nonce(), sessionKey: real.publicKey, cookie: randomBytes(112) }
    handshake = sealHandshake(cookie, real2, nonce(), told)
  })
  const acts = [
    () => sealCookieRequest(dht.publicKey, shared, nonce(), { realKey: real.publicKey, echo }),
    () => sealDht(dht.publicKey, shared, nonce(), { kind: 'ping-request', id: randomBytes(8) }),
    () =>
      sealDht(dht.publicKey, shared, nonce(), {
        kind: 'nodes-request',
        wanted: randomBytes(32),
        id: randomBytes(8),
      }),
    () => encodeLanDiscovery(dht.publicKey),
    () => Buffer.concat([Buffer.of(packetKinds.data), randomBytes(200)]),
    () => handshake ?? randomBytes(385),
  ]
  let turn = 0
  return () => socket.send(acts[turn++ % acts.length]?.() ?? Buffer.alloc(1), port, '127.0.0.1')
}

function bound(host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, host, () => resolve(socket))
  })
}
