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
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { nodeEnv } from '@holdfast/core/node'
import { ChaosProxy, seededRandom } from '@holdfast/core/testing'
import { type NostrEvent, startVerifier } from '@holdfast/nostr-sync'
import { TestAuthor } from '@holdfast/nostr-sync/testing'
import { temporaryFolder } from '../../../../test-support/temporary-folder.js'
import { RustRelay, rustRelay } from '../../interop/nostr-rs-relay.js'
import { ChaosClient, idsAt } from './parts/chaos-client.js'
import { ChaosPeer } from './parts/chaos-peer.js'

const [wanted = 50_000, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const between = (least: number, most: number): number => least + random() * (most - least)
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const began = performance.now()
const say = (text: string): void =>
  void process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)
say(`seed ${seed}`)

const env = nodeEnv({ name: 'chaos' })
await using verifier = await startVerifier({ env })
await using directory = await temporaryFolder()
await mkdir(join(directory.path, 'rust'))
await using relay = await RustRelay.start(await rustRelay(say), join(directory.path, 'rust'))
await using relayProxy = await ChaosProxy.start({ to: relay.port, seed })
const relayUrl = `ws://127.0.0.1:${relayProxy.port}`
const peer = (name: string): ChaosPeer =>
  new ChaosPeer({ name, path: join(directory.path, name), verifier, seed })
await using a = peer('a')
await using b = peer('b')
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
const clients = urls.map((url) => new ChaosClient(url))
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

async function writes(client: ChaosClient, isRelay: boolean): Promise<void> {
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

interface Fault {
  readonly what: string
  readonly happen: () => Promise<void>
}
const faults: readonly (() => Fault)[] = [
  () => {
    const node = pick(nodes)
    return {
      what: `${node.name} is killed`,
      happen: async () => {
        await node.crash()
        await wait(between(100, 3000))
        await node.begin()
      },
    }
  },
  () => {
    const limit = random() < 0.3 ? 30 : 0
    return {
      what: `the relay is killed${limit > 0 ? ', and limits subscriptions then' : ''}`,
      happen: async () => {
        await relay.kill()
        await wait(between(100, 3000))
        await relay.begin(limit)
      },
    }
  },
  () => {
    const [name, proxy] = pick(links)
    return {
      what: `${name} is cut off`,
      happen: async () => {
        proxy?.freeze()
        if (proxy) proxy.rules.newcomers = 'black-hole'
        await wait(between(500, 8000))
        if (proxy) proxy.rules.newcomers = 'forward'
        if (random() < 0.5) proxy?.thaw()
        else proxy?.reset()
      },
    }
  },
  () => {
    const [name, proxy] = pick(links)
    return {
      what: `${name} is reset`,
      happen: () => {
        proxy?.reset()
        return Promise.resolve()
      },
    }
  },
  () => {
    const node = pick(nodes)
    const ahead = random() < 0.3 ? 0 : between(-1, 1) * (random() < 0.3 ? 7_200_000 : 600_000)
    return {
      what: `the clock of ${node.name} is ${Math.round(ahead / 1000)} s ahead`,
      happen: () => {
        node.clock.setAhead(ahead)
        return Promise.resolve()
      },
    }
  },
]
const links = [
  ['a', a.proxy],
  ['b', b.proxy],
  ['the relay', relayProxy],
] as const
let broken = 0
let underWay = 'nothing'
/** On a busy machine faults must not come so fast that between them nothing happens. */
async function somethingHappens(): Promise<void> {
  const enough = promised.size + between(100, 500)
  const end = performance.now() + 20_000
  while (promised.size < enough && performance.now() < end && !isOver) await wait(100)
}

async function breaks(): Promise<void> {
  for (;;) {
    await wait(between(1000, 6000))
    await somethingHappens()
    if (isOver) return
    broken++
    const { what, happen } = pick(faults)()
    say(what)
    underWay = what
    await happen()
    underWay = 'nothing'
  }
}

const delay = monitorEventLoopDelay()
delay.enable()
const watch = setInterval(() => {
  const busiest = Math.round(delay.max / 1e6)
  delay.reset()
  const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20)
  say(
    `  ${made} made, ${promised.size} promised, ${clients.map(({ waiting }) => waiting).join('+')} unanswered; ` +
      `under way: ${underWay}; ${megabytes} MB, the loop was held up for ${busiest} ms at most`,
  )
  for (const node of nodes) say(`    ${node.describe()}`)
}, 5000)

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
let flaws: string[] = ['nobody has looked']
// As long as anything moves, however slow the machine is.
let changedAt = performance.now()
let before = ''
while (performance.now() - changedAt < 120_000) {
  await wait(2000)
  const [inA, inB] = [await a.ids(), await b.ids()]
  const [atA, atB] = [lacking(inA), lacking(inB)]
  const only = [...inA].filter((id) => !inB.has(id)).length + [...inB].filter((id) => !inA.has(id)).length
  const lack = `lacking at a ${atA.length}, at b ${atB.length}; in one of both ${only}; the relay got ${a.delivered}`
  say(lack)
  const hasMoved = lack !== before
  if (hasMoved) changedAt = performance.now()
  before = lack
  flaws = [...atA, ...atB]
  if (flaws.length > 0 || only > 0 || hasMoved) continue
  const inRelay = await idsAt(relay.url, 60_000)
  if (inRelay === null) say('the relay does not tell what it has')
  flaws = [...inA].filter((id) => inRelay?.has(id) !== true)
  say(`lacking at the relay ${flaws.length} of ${inA.size}`)
  if (flaws.length === 0) break
}
clearInterval(watch)
for (const id of flaws.slice(0, 20)) say(`lost: ${JSON.stringify(promised.get(id))}`)
say(flaws.length === 0 ? `equal stores, seed ${seed}` : `BROKEN, seed ${seed}`)
for (const client of clients) client.close()
if (flaws.length > 0) process.exitCode = 1
