/** What a conference costs without its links, and what a link costs: time, memory, packets sealed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultRules, messageIds } from '@holdfast/conference'
import { Simulation } from '@holdfast/conference/testing'
import type { Benchmark } from '../../../bench/benchmark.js'
import { cryptoReady, KeyPair, open, seal } from '../src/tox/crypto/box.js'
import { entry, Rig } from '../test/support/rig.js'
import { online, testNode } from '../test/support/tox-nodes.js'

const members = 100
const collect = globalThis.gc ?? (() => undefined)

async function heapUsed(): Promise<number> {
  await sleep(50)
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** Microseconds that one call takes in the fastest of many batches. */
function microsPerCall(call: () => void): number {
  let fastest = Infinity
  for (let batch = 0; batch < 40; batch += 1) {
    const began = performance.now()
    for (let n = 0; n < 200; n += 1) call()
    fastest = Math.min(fastest, performance.now() - began)
  }
  return (fastest * 1000) / 200
}

/** A conference of a hundred, four of whom are connected to us. */
function hundred(): Rig {
  const rig = new Rig().create()
  rig.rules = defaultRules
  for (const peer of [0x30, 0x38, 0x48, 0x50]) rig.join(peer)
  const others = Array.from({ length: 255 }, (_, first) => first).filter(
    (first) => first !== 0x40 && !rig.live.includes(first),
  )
  return rig.list(
    0x30,
    others.slice(0, members - 5).map((peer) => entry(1000 + peer, peer, 'a member')),
  )
}

function ofSteps(): Record<string, number> {
  const rig = hundred()
  let number = 0
  const message = (id: number, text: string) => () => {
    number += 1
    rig.message(0x30, 0x30, number, id, text).forget()
  }
  const ping = microsPerCall(message(messageIds.ping, ''))
  return {
    'a ping, passed on to three': ping,
    'all pings of a minute': (ping * members * 3) / 1000,
    'a message of 100 bytes, passed on to three': microsPerCall(message(messageIds.chat, 'x'.repeat(100))),
    'a tick': microsPerCall(() => void rig.tick().forget()),
  }
}

async function ofCrypto(): Promise<Record<string, number>> {
  await cryptoReady
  const [ours, theirs] = [new KeyPair(Buffer.alloc(32, 1)), new KeyPair(Buffer.alloc(32, 2))]
  const key = ours.agree(theirs.publicKey) ?? Buffer.alloc(32)
  const nonce = Buffer.alloc(24)
  const sizes = [100, 1373].flatMap((bytes): [string, number][] => {
    const plain = Buffer.alloc(bytes, 7)
    const box = seal(key, nonce, plain)
    return [
      [`seal ${bytes} bytes`, microsPerCall(() => void seal(key, nonce, plain))],
      [`open ${bytes} bytes`, microsPerCall(() => void open(key, nonce, box))],
    ]
  })
  const agree = microsPerCall(() => void ours.agree(theirs.publicKey))
  return { ...Object.fromEntries(sizes), 'agree on a key': agree }
}

async function ofMemory(): Promise<Record<string, number>> {
  const rig = hundred()
  const before = await heapUsed()
  // The same hundred again, each with names and keys of its own, and all of them frozen.
  const frozen = Array.from({ length: 20 }, () => hundred().down(0x30).down(0x38).down(0x48).down(0x50))
  const perPeer = ((await heapUsed()) - before) / (frozen.length * members)

  const hub = await testNode('hub')
  const others = await Promise.all(Array.from({ length: 60 }, (_, n) => testNode(`node ${n}`)))
  for (const { node } of others) node.bootstrap([{ dhtKey: hub.place.dhtKey, address: hub.place.address }])
  await sleep(2500)
  const unlinked = await heapUsed()
  for (const other of others) {
    hub.node.befriend(other.node.realKey)
    other.node.befriend(hub.node.realKey, hub.place)
  }
  await Promise.all(others.flatMap((other) => [online(hub, other), online(other, hub)]))
  const perLink = ((await heapUsed()) - unlinked) / (2 * others.length)
  await Promise.all([hub, ...others].map((one) => one[Symbol.asyncDispose]()))
  if (rig.live.length === 0) throw new Error('nobody is there')
  return { 'a frozen member': perPeer, 'an end of a friend link': perLink }
}

function ofSimulation(): Record<string, number> {
  const peers = 20
  const run = new Simulation({ seed: 1, peers })
  const began = performance.now()
  run.assemble()
  run.disturb(20)
  run.conclude()
  const seconds = (performance.now() - began) / 1000
  const simulated = run.clock.now() / 1000
  run.stop()
  return { 'simulated seconds of a peer': (peers * simulated) / seconds }
}

const less = (unit: string) => ({ unit, better: 'less' }) as const

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'conference of 100, steps of the machine',
    figures: {
      'a ping, passed on to three': less('µs'),
      'all pings of a minute': less('ms'),
      'a message of 100 bytes, passed on to three': less('µs'),
      'a tick': less('µs'),
    },
    runs: 3,
    subjects: [{ name: 'holdfast', measure: ofSteps }],
  },
  {
    name: 'conference, cryptography',
    figures: {
      'seal 100 bytes': less('µs'),
      'open 100 bytes': less('µs'),
      'seal 1373 bytes': less('µs'),
      'open 1373 bytes': less('µs'),
      'agree on a key': less('µs'),
    },
    runs: 3,
    subjects: [{ name: 'holdfast, libsodium-wrappers', measure: ofCrypto }],
  },
  {
    name: 'conference, heap',
    figures: { 'a frozen member': less('B'), 'an end of a friend link': less('B') },
    runs: 1,
    subjects: [{ name: 'holdfast', measure: ofMemory }],
  },
  {
    name: 'conference, simulation of 20 peers and 20 faults',
    figures: { 'simulated seconds of a peer': { unit: '/s', better: 'more' } },
    runs: 3,
    subjects: [{ name: 'holdfast', measure: ofSimulation }],
  },
]
