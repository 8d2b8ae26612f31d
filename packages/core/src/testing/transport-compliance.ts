import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { end } from '../index.js'
import { ComplianceBench as Bench, type ComplianceSubject, done } from './compliance-bench.js'

/** One thing that every transport must do. `run` rejects with an assertion error when it does not. */
export interface ComplianceCheck {
  readonly title: string
  /** Rejects when the transport fails this check. */
  run(): Promise<void>
}

/**
 * What every transport must do, as checks for any test runner.
 *
 * @example
 * ```ts no-run
 * import { sockets } from '@holdfast/core/node'
 * import { transportCompliance } from '@holdfast/core/testing'
 *
 * const checks = transportCompliance({
 *   transport: sockets(),
 *   at: () => ({ uri: 'tcp://127.0.0.1:0' }),
 *   nowhere: { uri: 'tcp://127.0.0.1:1' },
 * })
 * for (const { run } of checks) await run()
 * ```
 */
export function transportCompliance(subject: ComplianceSubject): ComplianceCheck[] {
  return Object.entries(checks).map(([title, check]) => ({
    title,
    async run() {
      const bench = await Bench.set(subject)
      try {
        await check(bench)
      } finally {
        await bench.clear()
      }
    },
  }))
}

const asked = end('drained', { advice: { kind: 'never' }, detail: 'asked for' })

const checks: Record<string, (bench: Bench) => Promise<void>> = {
  async 'a dial returns an opening link, which then opens on both sides'(bench) {
    const { link, sink } = bench.dial()
    assert.equal(link.phase, 'opening')
    assert.deepEqual(sink.told, [])
    assert.equal(link.write('too early'), 'refused')
    await sink.until('opened')
    assert.equal(link.phase, 'open')
    const { near, far } = await bench.pair()
    assert(near.link.id > link.id && far.link.id !== near.link.id, 'every link has an id of its own')
  },

  async 'a dial to where nobody listens ends as dial-failed without having opened'(bench) {
    const { link, sink } = bench.dial(bench.subject.nowhere)
    await sink.until('ended')
    assert.deepEqual(sink.told, ['ended'])
    assert.equal(sink.end?.kind, 'dial-failed')
    assert.notEqual(sink.end.code, undefined)
    assert.equal(link.phase, 'ended')
  },

  async 'a dial that is destroyed ends at once and never opens'(bench) {
    const { link, sink } = bench.dial()
    link.destroy(asked)
    assert.deepEqual([sink.told, sink.end, link.phase], [['ended'], asked, 'ended'])
    await bench.barrier()
    assert.deepEqual(sink.told, ['ended'])
  },

  async 'ending a link that is still opening drops it at once'(bench) {
    const { link, sink } = bench.dial()
    link.end(asked)
    assert.deepEqual([sink.told, sink.end], [['ended'], asked])
    await bench.barrier()
    assert.deepEqual(sink.told, ['ended'])
  },

  async 'a peer that is not taken loses its connection'(bench) {
    bench.takes = false
    const { sink } = bench.dial()
    await sink.until('ended')
    assert(['dial-failed', 'reset-by-peer', 'closed-by-peer'].includes(sink.end?.kind ?? ''), sink.end?.kind)
  },

  async 'what is written arrives whole and in order, both ways'(bench) {
    const { near, far } = await bench.pair()
    const chunks = Array.from({ length: 300 }, (_, index) => randomBytes(1 + ((index * 37) % 2000)))
    for (const chunk of chunks) {
      near.link.write(chunk)
      far.link.write(chunk)
    }
    const all = Buffer.concat(chunks)
    for (const { sink } of [near, far]) {
      await sink.until(() => sink.byteLength === all.length)
      assert(Buffer.from(sink.bytes).equals(all))
    }
  },

  async 'a string is sent as UTF-8 and counted in bytes'(bench) {
    const { near, far } = await bench.pair()
    const before = near.link.accepted
    near.link.write('žluť 🜁')
    assert.equal(near.link.accepted - before, 11)
    await far.sink.until(() => far.sink.byteLength === 11)
    assert.equal(Buffer.from(far.sink.bytes).toString(), 'žluť 🜁')
  },

  async 'a megabyte in one write arrives intact'(bench) {
    const { near, far } = await bench.pair()
    const megabyte = randomBytes(1_048_576)
    assert.equal(near.link.write(megabyte), 'full')
    await far.sink.until(() => far.sink.byteLength === megabyte.length)
    assert(Buffer.from(far.sink.bytes).equals(megabyte))
  },

  async 'a full link keeps what it accepted, and says writable once when all is flushed'(bench) {
    const { near, far } = await bench.pair()
    const release = far.link.pause()
    const before = near.link.accepted
    const chunk = randomBytes(65_536)
    const results = Array.from({ length: 256 }, () => near.link.write(chunk))
    assert(results.includes('full') && !results.includes('refused'))
    assert.equal(near.link.accepted - before, 256 * 65_536)
    await bench.barrier()
    assert(near.link.unflushed > 0, 'more is unflushed than the system takes')
    assert.equal(near.sink.count('writable'), 0)
    release()
    await near.sink.until('writable')
    assert.equal(near.link.unflushed, 0)
    await far.sink.until(() => far.sink.byteLength === 256 * 65_536)
    assert.equal(near.sink.count('writable'), 1)
  },

  async 'a paused link tells nothing until every holder has released it'(bench) {
    const { near, far } = await bench.pair()
    const [first, second] = [far.link.pause(), far.link.pause()]
    near.link.write('held back')
    await bench.barrier()
    first()
    first()
    await bench.barrier()
    assert.equal(far.sink.byteLength, 0)
    second()
    await far.sink.until(() => far.sink.byteLength === 9)
  },

  async 'a link that is paused while it opens tells nothing'(bench) {
    const near = bench.dial()
    const release = near.link.pause()
    await near.sink.until('opened')
    await bench.barrier()
    release()
    near.link.write('still works')
    assert.equal(near.link.accepted, 11)
  },

  async 'pausing within data holds back what follows'(bench) {
    const { near, far } = await bench.pair()
    let release = (): void => undefined
    far.sink.during = (what) => {
      if (what === 'received') release = far.link.pause()
    }
    near.link.write('first')
    await far.sink.until('received')
    near.link.write('second')
    await bench.barrier()
    assert.equal(far.sink.byteLength, 5)
    far.sink.during = null
    release()
    await far.sink.until(() => far.sink.byteLength === 11)
  },

  async 'a graceful end flushes, then ends with the reason given'(bench) {
    const { near, far } = await bench.pair()
    const megabyte = randomBytes(1_048_576)
    near.link.write(megabyte)
    near.link.end(asked)
    assert.equal(near.link.phase, 'retiring')
    assert.equal(near.link.write('too late'), 'refused')
    near.link.end(done)
    await near.sink.until('ended')
    assert.equal(near.sink.end, asked)
    assert.equal(near.link.unflushed, 0)
    await far.sink.until('ended')
    assert(Buffer.from(far.sink.bytes).equals(megabyte))
    assert(['closed-by-peer', 'drained-by-peer'].includes(far.sink.end?.kind ?? ''), far.sink.end?.kind)
  },

  async 'destroy ends at once, a second time it does nothing, and the counters stay'(bench) {
    const { near, far } = await bench.pair()
    far.link.pause()
    const chunk = randomBytes(65_536)
    for (let count = 0; count < 256; count += 1) near.link.write(chunk)
    near.link.destroy(asked)
    assert.deepEqual([near.sink.end, near.link.phase], [asked, 'ended'])
    const { accepted, unflushed } = near.link
    near.link.destroy(done)
    near.link.end(done)
    assert.equal(near.link.write('too late'), 'refused')
    near.link.pause()()
    await bench.barrier()
    assert.deepEqual([near.link.accepted, near.link.unflushed], [accepted, unflushed])
    assert(accepted > 256 * 65_536 && unflushed > 0)
  },

  async 'a link that loses its peer keeps count of what was not flushed'(bench) {
    const { near, far } = await bench.pair()
    far.link.pause()
    const chunk = randomBytes(65_536)
    for (let count = 0; count < 256; count += 1) near.link.write(chunk)
    await bench.barrier()
    far.link.destroy(done)
    await near.sink.until('ended')
    assert(near.link.unflushed > 0, 'the peer did not read it all, so it cannot all be flushed')
  },

  async 'a retiring link tells nothing but its end'(bench) {
    const { near, far } = await bench.pair()
    const release = far.link.pause()
    near.link.write(randomBytes(16 * 1_048_576))
    near.link.end(asked)
    far.link.write('unheard')
    await bench.barrier()
    assert.equal(near.link.phase, 'retiring')
    release()
    await near.sink.until('ended')
    assert.deepEqual(near.sink.told, ['opened', 'ended'])
  },

  async 'a retiring link can still be destroyed, with the later reason'(bench) {
    const { near, far } = await bench.pair()
    far.link.pause()
    near.link.write(randomBytes(16 * 1_048_576))
    near.link.end(done)
    near.link.destroy(asked)
    assert.equal(near.sink.end, asked)
    far.link.destroy(done)
  },

  async 'the peer of a destroyed link ends too'(bench) {
    const { near, far } = await bench.pair()
    near.link.destroy(asked)
    await far.sink.until('ended')
    assert(['closed-by-peer', 'reset-by-peer'].includes(far.sink.end?.kind ?? ''), far.sink.end?.kind)
  },

  async 'both ends may end at the same time'(bench) {
    const { near, far } = await bench.pair()
    near.link.write('last words')
    far.link.write('last words')
    near.link.end(asked)
    far.link.end(asked)
    await Promise.all([near.sink.until('ended'), far.sink.until('ended')])
    assert.deepEqual([near.sink.end, far.sink.end], [asked, asked])
  },

  async 'destroying within opened is heard at once, and nothing follows'(bench) {
    const { link, sink } = bench.dial()
    sink.during = (what) => what === 'opened' && link.destroy(asked)
    await sink.until('ended')
    assert.deepEqual([sink.told, sink.end], [['opened', 'ended'], asked])
  },

  async 'destroying within data ends the rest of it'(bench) {
    const { near, far } = await bench.pair()
    far.sink.during = (what) => what === 'received' && far.link.destroy(asked)
    for (let count = 0; count < 100; count += 1) near.link.write('again and again')
    await far.sink.until('ended')
    assert.equal(far.sink.count('received'), 1)
  },

  async 'a sink that throws ends its link as adapter-threw and harms nobody'(bench) {
    const { near, far } = await bench.pair()
    const other = await bench.pair()
    far.sink.during = () => {
      far.sink.during = null
      throw new Error('a mistake')
    }
    near.link.write('boom')
    await far.sink.until('ended')
    assert.equal(far.sink.end?.kind, 'adapter-threw')
    assert.equal((far.sink.end.cause as Error).message, 'a mistake')
    other.near.link.write('fine')
    await other.far.sink.until('received')
  },
}
