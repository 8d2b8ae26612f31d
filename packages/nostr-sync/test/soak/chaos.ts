/**
 * Two nodes of ours and a relay written in Rust, on real sockets and disks: events are published to all three while they are
 * killed, cut off, reset and limited, and while the nodes' clocks are set. In the end all three must have the same events.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/nostr-sync/test/soak/chaos.ts [events] [seed]
 *
 * The relay is built by cargo into `HOLDFAST_INTEROP_CACHE`, once; that needs `protoc`.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Env, systemClock } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { ChaosProxy, seededRandom } from '@holdfast/core/testing'
import {
  type EventStore,
  type NostrEvent,
  type NostrMirror,
  nostrMirror,
  openLmdbStore,
  type RelayEndpoint,
  type RelaySink,
  readRelayMessage,
  relayEndpoint,
  relaySink,
  type SavedState,
  startVerifier,
} from '@holdfast/nostr-sync'
import { TestAuthor } from '@holdfast/nostr-sync/testing'
import { WebSocket } from 'ws'
import { RustRelay, rustRelay } from '../../interop/nostr-rs-relay.js'
import { OwnClock } from '../support/own-clock.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const [wanted = 50_000, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const between = (least: number, most: number): number => least + random() * (most - least)
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const began = performance.now()
const say = (text: string): void =>
  void process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)
say(`seed ${seed}`)

/** A node: its store and its saved state survive a crash, mirror, endpoint and sink do not. */
class Node implements AsyncDisposable {
  readonly name: string
  readonly clock = new OwnClock(systemClock())
  readonly #env: Env
  readonly #path: string
  readonly #disk: { saved: SavedState | undefined } = { saved: undefined }
  store: EventStore | null = null
  proxy: ChaosProxy | null = null
  sink: string | null = null
  #process: {
    mirror: NostrMirror
    endpoint: RelayEndpoint
    sink: RelaySink | null
    isAlive: boolean
  } | null = null
  #port = 0

  constructor(name: string, path: string) {
    this.name = name
    this.#path = path
    this.#env = { ...nodeEnv({ name }), clock: this.clock }
  }

  get mirror(): NostrMirror | null {
    return this.#process?.mirror ?? null
  }

  get url(): string {
    return `ws://127.0.0.1:${this.proxy?.port ?? 0}`
  }

  async begin(): Promise<void> {
    const env = this.#env
    const store = await openLmdbStore({ path: this.#path })
    const running = { isAlive: true }
    const mirror = await nostrMirror({
      ...{ env, store, verifier, allowPrivateTargets: true, batchWindow: 500, saveEvery: 1000 },
      domains: this.proxy === null ? [] : [`127.0.0.1:${this.proxy.port}`],
      state: {
        load: () => Promise.resolve(this.#disk.saved),
        save: (value) => {
          if (running.isAlive) this.#disk.saved = structuredClone(value)
          return Promise.resolve()
        },
      },
      relay: {
        backoff: { base: 500, cap: 3000 },
        stableAfter: 2000,
        rateLimit: { coolDown: 3000, longest: 10_000 },
      },
    })
    const at = { uri: `ws://127.0.0.1:${this.#port}` }
    const endpoint = await relayEndpoint({ env, at, store, intake: mirror.intake })
    this.#port = Number(new URL(endpoint.url).port)
    this.proxy ??= await ChaosProxy.start({ to: this.#port, seed })
    const sink = this.sink === null ? null : relaySink({ env, store, url: this.sink })
    this.store = store
    this.#process = Object.assign(running, { mirror, endpoint, sink })
    if (this.proxy.port > 0) mirror.start()
  }

  /** Within half a minute, or there is something to be found out. */
  async crash(): Promise<void> {
    const watch = setTimeout(() => say(`BROKEN: ${this.name} does not come to its end`), 30_000)
    await this.#crash()
    clearTimeout(watch)
  }

  async #crash(): Promise<void> {
    const process = this.#process
    if (process === null) return
    this.#process = null
    process.isAlive = false
    await process.endpoint[Symbol.asyncDispose]()
    await process.sink?.[Symbol.asyncDispose]()
    await process.mirror.close()
    await this.store?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await this.proxy?.[Symbol.asyncDispose]()
  }

  ids(): Set<string> {
    const ids = new Set<string>()
    const { store } = this
    if (store === null) return ids
    for (let after: { createdAt: number; id: string } | null = null; ; ) {
      const page = store.query({}, { limit: 10_000, maxExamined: 1_000_000, after })
      for (const { id } of page.events) ids.add(id)
      if (page.next === null) return ids
      after = page.next
    }
  }
}

/** A client of a relay, which connects again when it has to. */
class Client {
  readonly #url: string
  #socket: WebSocket | null = null
  #connecting: Promise<WebSocket> | null = null
  #handlers = new Map<string, (accepted: boolean) => void>()
  onEvent: ((event: NostrEvent) => void) | null = null
  onEose: (() => void) | null = null

  constructor(url: string) {
    this.#url = url
  }

  /** One connection for all who ask meanwhile. */
  async connect(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket
    this.#connecting ??= this.#connect()
    try {
      return await this.#connecting
    } finally {
      this.#connecting = null
    }
  }

  async #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url, { handshakeTimeout: 3000 })
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const answer of [...this.#handlers.values()]) answer(false)
      this.#handlers.clear()
    })
    socket.on('message', (data: Buffer) => {
      const message = readRelayMessage(data.toString())
      if (message.kind === 'ok') {
        this.#handlers.get(message.id)?.(message.accepted || message.text.startsWith('duplicate'))
        this.#handlers.delete(message.id)
      } else if (message.kind === 'event') this.onEvent?.(message.event)
      else if (message.kind === 'eose') this.onEose?.()
    })
    await new Promise<void>((resolve) => {
      socket.once('open', () => resolve())
      socket.once('close', () => resolve())
    })
    return socket
  }

  /** @returns whether the relay has promised to keep it */
  async publish(event: NostrEvent): Promise<boolean> {
    const socket = await this.connect()
    if (socket.readyState !== WebSocket.OPEN) return false
    const answered = new Promise<boolean>((resolve) => {
      this.#handlers.set(event.id, resolve)
      setTimeout(() => resolve(false), 5000).unref()
    })
    socket.send(JSON.stringify(['EVENT', event]))
    return answered
  }

  async idsOf(filter: object): Promise<Set<string>> {
    const ids = new Set<string>()
    const socket = await this.connect()
    const over = new Promise<void>((resolve) => {
      this.onEose = resolve
    })
    this.onEvent = ({ id }) => ids.add(id)
    socket.send(JSON.stringify(['REQ', `x${Math.floor(performance.now())}`, filter]))
    await over
    return ids
  }

  close(): void {
    this.#socket?.terminate()
  }
}

const env = nodeEnv({ name: 'chaos' })
await using verifier = await startVerifier({ env })
await using directory = await temporaryDirectory()
await mkdir(join(directory.path, 'rust'))
await using relay = await RustRelay.start(await rustRelay(say), join(directory.path, 'rust'))
await using relayProxy = await ChaosProxy.start({ to: relay.port, seed })
const relayUrl = `ws://127.0.0.1:${relayProxy.port}`
await using a = new Node('a', join(directory.path, 'a'))
await using b = new Node('b', join(directory.path, 'b'))
const nodes = [a, b]
// Each has to know its port before it knows its domain.
for (const node of nodes) {
  await node.begin()
  await node.crash()
}
a.sink = relayUrl
for (const node of nodes) await node.begin()

const authors = ['alice', 'bob', 'carol'].map((name) => new TestAuthor(name))
const [alice = new TestAuthor('alice')] = authors
const now = (): number => Math.floor(Date.now() / 1000)
const urls = [a.url, b.url, relayUrl]
const repo = alice.announces('repo', {
  created_at: now(),
  relays: urls,
  clone: [a.url, b.url].map((url) => `${url.replace('ws', 'http')}/repo.git`),
})
const address = `30617:${alice.pubkey}:repo`
const clients = urls.map((url) => new Client(url))
for (const client of clients) while (!(await client.publish(repo))) await wait(200)
say('all have the repository')

// Writing ------------------------------------------------------------------------------------------------------

const promised = new Map<string, NostrEvent>([[repo.id, repo]])
const roots: NostrEvent[] = []
let made = 0
let refused = 0
let isOver = false

function makes(isRelay: boolean): NostrEvent {
  const content = `${made++}`
  const author = pick(authors)
  // What is dated long ago a relay without negentropy says only in the daily sync.
  const created_at = !isRelay && random() < 0.1 ? now() - Math.floor(between(1, 300)) * 86_400 : now()
  if (roots.length < 5 || random() < 0.02)
    return author.signs({ kind: 1621, created_at, content, tags: [['a', address]] })
  return author.signs({ kind: 1111, created_at, content, tags: [['E', pick(roots).id]] })
}

async function writes(client: Client, isRelay: boolean): Promise<void> {
  while (made < wanted) {
    const events: NostrEvent[] = []
    const end = made + Math.min(200, wanted - made)
    while (made < end) {
      for (let left = Math.min(10, end - made); left > 0; left--) events.push(makes(isRelay))
      await setImmediate()
    }
    const answers = await Promise.all(events.map((event) => client.publish(event)))
    events.forEach((event, index) => {
      if (answers[index] !== true) {
        refused++
        return
      }
      promised.set(event.id, event)
      if (event.kind === 1621) roots.push(event)
    })
    await wait(answers.includes(false) ? 300 : 20)
  }
}

// Faults -------------------------------------------------------------------------------------------------------

const faults: readonly (() => Promise<void>)[] = [
  async () => {
    const node = pick(nodes)
    say(`${node.name} is killed`)
    await node.crash()
    await wait(between(100, 3000))
    await node.begin()
  },
  async () => {
    const limit = random() < 0.3 ? 30 : 0
    say(`the relay is killed${limit > 0 ? ', and limits subscriptions then' : ''}`)
    await relay.kill()
    await wait(between(100, 3000))
    await relay.begin(limit)
  },
  async () => {
    const proxy = pick([a.proxy, b.proxy, relayProxy])
    say('somebody is cut off')
    if (proxy === null) return
    proxy.freeze()
    proxy.rules.newcomers = 'black-hole'
    await wait(between(500, 8000))
    proxy.rules.newcomers = 'forward'
    if (random() < 0.5) proxy.thaw()
    else proxy.reset()
  },
  () => {
    say('somebody is reset')
    pick([a.proxy, b.proxy, relayProxy])?.reset()
    return Promise.resolve()
  },
  () => {
    const node = pick(nodes)
    const ahead = random() < 0.3 ? 0 : between(-1, 1) * (random() < 0.3 ? 7_200_000 : 600_000)
    say(`the clock of ${node.name} is ${Math.round(ahead / 1000)} s ahead`)
    node.clock.setAhead(ahead)
    return Promise.resolve()
  },
]
let broken = 0
async function breaks(): Promise<void> {
  while (!isOver) {
    await wait(between(1000, 6000))
    broken++
    await pick(faults)()
  }
}

const breaking = breaks()
await Promise.all(clients.map((client, index) => writes(client, index === 2)))
isOver = true
await breaking
say(`${promised.size} events promised, ${refused} not, ${broken} faults; all is mended`)
for (const node of nodes) node.clock.setAhead(0)
await relay.kill()
await relay.begin()

// Looking ------------------------------------------------------------------------------------------------------

const lacking = (ids: ReadonlySet<string>): string[] => [...promised.keys()].filter((id) => !ids.has(id))
let flaws: string[] = []
for (const end = performance.now() + 600_000; performance.now() < end; ) {
  await wait(2000)
  const [inA, inB] = [a.ids(), b.ids()]
  const [atA, atB] = [lacking(inA), lacking(inB)]
  const only = [...inA].filter((id) => !inB.has(id)).length + [...inB].filter((id) => !inA.has(id)).length
  say(`lacking at a ${atA.length}, at b ${atB.length}; in one of both ${only}`)
  flaws = [...atA, ...atB]
  if (flaws.length > 0 || only > 0) continue
  const reader = new Client(relay.url)
  const inRelay = await reader.idsOf({ limit: 1_000_000 })
  reader.close()
  flaws = [...inA].filter((id) => !inRelay.has(id))
  say(`lacking at the relay ${flaws.length} of ${inA.size}`)
  if (flaws.length === 0) break
}
for (const id of flaws.slice(0, 20)) say(`lost: ${JSON.stringify(promised.get(id))}`)
say(flaws.length === 0 ? `equal stores, seed ${seed}` : `BROKEN, seed ${seed}`)
for (const client of clients) client.close()
if (flaws.length > 0) process.exitCode = 1
