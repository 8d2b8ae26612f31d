/**
 * Strangers at the door, each kind in turn, while clients go on talking: what it costs, and whether clients notice.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/mtproto-proxy/test/soak/bad-handshakes.ts [connections] [at once]
 *
 * Exits with 1 if a client was closed or waited for seconds, or if memory stays.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { fakeTelegram, type TestClient, testClient } from '@holdfast/mtproto-proxy/testing'
import { counted, NodeProcess } from '../support/node-process.js'

const connections = Number(process.argv[2] ?? 100_000)
const atOnce = Number(process.argv[3] ?? 1000)
const secret = 'd0d6e111bada5511fcce9584deadbeef'
const domain = Buffer.from('www.example.com').toString('hex')
const mebibyte = 2 ** 20
const initSeconds = 5

await using telegram = await fakeTelegram({ dcIds: [2] })
await using proxy = await NodeProcess.start({
  listen_ip: '127.0.0.1',
  ports: [{ name: 'main', port: 0, secret }],
  proxy_secret_url: telegram.site.urls.secret,
  proxy_config_url: telegram.site.urls.config,
  external_ip: '127.0.0.1',
  init_timeout_sec: initSeconds,
})
const { port } = proxy

/** What a client begins with. */
async function openingOf(of: string): Promise<Buffer> {
  await using client = testClient({ port, secret: of })
  await client.until(() => client.openingBytes.length > 0)
  return Buffer.concat(client.openingBytes)
}

const strange = await openingOf(`ee${'00'.repeat(16)}${domain}`)
const known = await openingOf(`ee${secret}${domain}`)
const malformed = Buffer.from(strange)
malformed.fill(0xff, 50, 120)

interface Stranger {
  readonly name: string
  /** What it sends, and in pieces of how many bytes; `null`: it sends nothing. */
  readonly bytes: () => Buffer | null
  readonly pieces?: number
  /** `waits` until it is closed; `resets` once it has written; */
  readonly then: 'waits' | 'resets'
}

const strangers: readonly Stranger[] = [
  { name: 'random bytes', bytes: () => randomBytes(64), then: 'resets' },
  { name: 'random bytes, stays', bytes: () => randomBytes(200), then: 'waits' },
  {
    name: 'HTTP',
    bytes: () => Buffer.from(`GET / HTTP/1.1\r\nHost: example.com\r\n\r\n`.padEnd(64)),
    then: 'resets',
  },
  { name: 'TLS, another secret', bytes: () => strange, then: 'waits' },
  { name: 'TLS, replayed', bytes: () => known, then: 'waits' },
  { name: 'TLS, malformed', bytes: () => malformed, then: 'waits' },
  { name: 'half a TLS hello', bytes: () => strange.subarray(0, 300), then: 'resets' },
  { name: 'nothing', bytes: () => null, then: 'resets' },
  { name: 'byte by byte', bytes: () => strange.subarray(0, 20), pieces: 1, then: 'resets' },
]

function over(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function knock({ bytes, pieces, then }: Stranger, number: number): Promise<void> {
  // Many addresses, as one runs out of ports.
  const localAddress = `127.0.${1 + (number % 100)}.1`
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
  const ended = over(socket)
  socket.on('error', () => undefined).resume()
  const content = bytes()
  for (let at = 0; content !== null && at < content.length; at += pieces ?? content.length) {
    await new Promise((resolve) =>
      socket.write(content.subarray(at, at + (pieces ?? content.length)), resolve),
    )
  }
  if (then === 'resets') socket.resetAndDestroy()
  await ended
}

/** Clients that go on talking, and how long the slowest answer took. */
class Talk {
  readonly clients: TestClient[] = Array.from({ length: 50 }, () =>
    testClient({ port, secret: `dd${secret}` }),
  )
  slowest = 0
  answers = 0
  #isOver = false
  readonly #loops = this.clients.map((client, index) => this.#talk(client, index))

  async #talk(client: TestClient, index: number): Promise<void> {
    while (!this.#isOver) {
      const began = performance.now()
      if ((await client.ask(Buffer.alloc(64, index + 1))) === null) return
      this.answers += 1
      this.slowest = Math.max(this.slowest, performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  get closed(): number {
    return this.clients.filter(({ phase }) => phase !== 'ready').length
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#loops)
  }
}

const talk = new Talk()
await proxy.until(({ clients }) => clients === 50)
const before = await proxy.figures()
console.log(`${connections} strangers, ${atOnce} at once; 50 clients talk; ${show(before.resident)} at first`)
console.log(`${'stranger'.padEnd(24)}${'a second'.padEnd(10)}${'memory'.padEnd(12)}slowest answer`)
let worst = 0
let peak = 0
for (const stranger of strangers) {
  const count = Math.ceil(connections / strangers.length)
  const began = performance.now()
  talk.slowest = 0
  let next = 0
  const loops = Array.from({ length: atOnce }, async () => {
    while (next < count) await knock(stranger, next++)
  })
  await Promise.all(loops)
  const rate = count / ((performance.now() - began) / 1000)
  const { resident } = await proxy.figures()
  worst = Math.max(worst, talk.slowest)
  peak = Math.max(peak, resident)
  console.log(
    `${stranger.name.padEnd(24)}${rate.toFixed(0).padEnd(10)}${show(resident).padEnd(12)}${talk.slowest.toFixed(0)} ms`,
  )
}

// Thousands that are open at once, and send a byte now and then.
const slow = Array.from({ length: 4000 }, (_, number) => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.${1 + (number % 100)}.2` })
  const dripping = setInterval(() => socket.write('\x16'), 1000)
  socket.on('error', () => undefined).resume()
  return over(socket).then(() => clearInterval(dripping))
})
talk.slowest = 0
await proxy.until(({ handshaking }) => handshaking >= 4000)
const held = await proxy.figures()
const began = performance.now()
await Promise.all(slow)
console.log(
  `${'4000 that drip'.padEnd(24)}${'–'.padEnd(10)}${show(held.resident).padEnd(12)}${talk.slowest.toFixed(0)} ms; ` +
    `the last was closed after ${((performance.now() - began) / 1000).toFixed(1)} s`,
)
await proxy.until(({ handshaking }) => handshaking === 0)
const { closed, answers } = talk
await talk.stop()
const after = await proxy.figures()
console.log(`then: ${show(after.resident)}; ${answers} answers, ${closed} of 50 clients closed`)
console.log(counted(after.metrics, 'protocol_error_total', 'reason'))
const grown = (after.resident - before.resident) / mebibyte
const isSound = closed === 0 && grown < 60 && Math.max(worst, talk.slowest) < 3000 && after.clients === 50
console.log(
  isSound ? 'held' : `BROKEN: grown by ${grown.toFixed(0)} MiB, slowest answer ${worst.toFixed(0)} ms`,
)
for (const client of talk.clients) await client[Symbol.asyncDispose]()
process.exitCode = isSound ? 0 : 1

function show(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(0)} MiB`
}
