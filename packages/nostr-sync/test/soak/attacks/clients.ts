import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Scorecard } from '@holdfast/core/service'
import { embeddedRelay, TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { TestClient } from '../../support/test-client.js'
import { until } from './until.js'

const count = 10_000
const program = join(import.meta.dirname, 'many-clients.program.ts')
const alice = new TestAuthor('alice')

interface Told {
  readonly answer: string
  readonly failed: number
  readonly heard: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export async function attackByClients(card: Scorecard): Promise<void> {
  const before = heldBytes()
  await using relay = await embeddedRelay({ limits: { clients: count + 1 }, verifier: trustingVerifier() })
  await using good = await TestClient.connect(relay.url)
  const crowd = fork(program, [relay.url, `${count}`])
  const told = async (answer: string): Promise<Told> => {
    for (;;) {
      const [message] = (await once(crowd, 'message')) as [Told]
      if (message.answer === answer) return message
    }
  }
  try {
    const slowest = await slowestAnswer(good, told('connected'))
    card.equal('clients connected', count + 1, relay.endpoint.stats.subscriptions + 1)
    card.promise(
      'a client of before is answered within a second',
      slowest < 1000,
      `${Math.round(slowest)} ms at most`,
    )
    const perClient = (heldBytes() - before) / count
    card.promise(
      'a client costs less than 50 kB',
      perClient < 50_000,
      `${Math.round(perClient / 100) / 10} kB`,
    )
    await using late = new TestClient(relay.url)
    await late.until(() => late.closed !== null)
    card.promise('who is one too many is turned away', true, `close code ${late.closed?.code ?? 0}`)

    const published = performance.now()
    good.says({ kind: 'event', event: alice.signs() })
    await good.hears('ok')
    await until(async () => {
      crowd.send('count')
      return (await told('count')).heard >= count
    })
    card.promise('all hear an event', true, `after ${Math.round(performance.now() - published)} ms`)

    crowd.send('leave')
    const leaving = await slowestAnswer(good, told('leave'))
    await until(() => relay.endpoint.stats.subscriptions === 0)
    card.promise(
      'all may leave at once',
      leaving < 1000,
      `a client was answered within ${Math.round(leaving)} ms`,
    )
    const left = (heldBytes() - before) / count
    card.promise('nothing of them stays', left < 2000, `${Math.round(left)} bytes for each`)
  } finally {
    crowd.kill()
  }
}

/** How long the slowest of many questions took while something went on. */
async function slowestAnswer(client: TestClient, going: Promise<unknown>): Promise<number> {
  const over = going.then(() => 'over')
  let slowest = 0
  let asked = 0
  do {
    const began = performance.now()
    await client.stored(`${began} ${asked}`, { limit: 1 })
    client.says({ kind: 'close', subscription: `${began} ${asked}` })
    slowest = Math.max(slowest, performance.now() - began)
    asked++
  } while ((await Promise.race([over, setTimeout(20, 'not yet')])) !== 'over')
  return slowest
}
