import { Worker } from 'node:worker_threads'
import { fc, test } from '@fast-check/vitest'
import { testEnv } from '@holdfast/core/testing'
import {
  KnownIds,
  type NostrEvent,
  readEvent,
  type SchnorrBackend,
  startVerifier,
  type Verdict,
  type Verifier,
} from '@holdfast/nostr-sync'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadSchnorr } from '../src/verify/schnorr.js'
import { madeEvent } from './support/made-event.js'
import { bip340, eventNamed, invalidEvents, signedEvents } from './support/vectors.js'

const verdictOf = (verifier: Verifier, event: NostrEvent): Promise<Verdict> =>
  new Promise((resolve) => void verifier.submit(event, resolve))

const start = (options = {}): Promise<Verifier> => startVerifier({ env: testEnv(), workers: 1, ...options })

/** Where `bcrypto` is installed, it is tried as well. */
const hasNative = await loadSchnorr('native').then(
  () => true,
  () => false,
)
const backends: readonly SchnorrBackend[] = [
  ...(hasNative ? (['native'] as const) : []),
  'wasm',
  'javascript',
]

describe.each(backends)('signatures checked by %s', (backend) => {
  it.each(bip340)(
    'R90: BIP-340 vector $index: $valid $comment',
    async ({ publicKey, message, signature, valid }) => {
      const verify = await loadSchnorr(backend)
      const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
      expect(verify(bytes(signature), bytes(message), bytes(publicKey))).toBe(valid)
    },
  )

  it('R89, R90: events are valid as signed, and not when anything of them is altered', async () => {
    await using verifier = await start({ backend })
    expect(verifier.backend).toBe(backend)
    const valid = await Promise.all(signedEvents.events.map(({ event }) => verdictOf(verifier, event)))
    expect(valid).toEqual(signedEvents.events.map(() => 'valid'))
    const verdicts: Record<string, Verdict> = {}
    for (const { name, event, valid: expected } of invalidEvents) {
      const reading = readEvent(event)
      if (reading.kind === 'malformed') continue
      verdicts[name] = await verdictOf(verifier, reading.event)
      const isAccepted = expected === true || (typeof expected === 'string' && expected.startsWith('accept'))
      expect([name, verdicts[name] === 'valid']).toEqual([name, isAccepted])
    }
    expect(verdicts).toMatchObject({
      'content altered': 'bad-id',
      'signature R part altered': 'bad-signature',
      'signature all zero': 'bad-signature',
      'pubkey not on the curve, id recomputed': 'bad-signature',
    })
  })
})

describe('a verifier', () => {
  const bcrypto = 'bcrypto/lib/schnorr.js'

  beforeEach(() => {
    vi.doMock(bcrypto, () => ({ default: { native: 0 } }))
  })

  afterEach(() => {
    vi.doUnmock(bcrypto)
    vi.doUnmock('tiny-secp256k1')
    vi.doUnmock('@noble/curves/secp256k1.js')
  })

  const issue = eventNamed('issue')

  it('R78: checks an event once, however many send it while it waits', async () => {
    const posted = vi.spyOn(Worker.prototype, 'postMessage')
    await using verifier = await start()
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => verdictOf(verifier, issue)))
    expect(verdicts).toEqual(Array.from({ length: 10 }, () => 'valid'))
    const sent = posted.mock.calls.map(([message]) => (message as { packed: Uint8Array }).packed)
    expect(sent).toHaveLength(1)
  })

  it('R78: a forged body or signature does not stand in for the real one', async () => {
    await using verifier = await start()
    const forged = { ...issue, content: 'other' }
    const unsigned = { ...issue, sig: eventNamed('patch, root of a series').sig }
    const verdicts = await Promise.all([forged, unsigned, issue].map((event) => verdictOf(verifier, event)))
    expect(verdicts).toEqual(['bad-id', 'bad-signature', 'valid'])
  })

  it('I25: says when it is full, refuses when it is twice as full, and tells when there is room', async () => {
    await using verifier = await start({ maxQueued: 10 })
    const verdicts: Verdict[] = []
    const results = Array.from({ length: 25 }, (_, index) =>
      verifier.submit(madeEvent({ created_at: index }), (verdict) => verdicts.push(verdict)),
    )
    const counted = (result: string): number => results.filter((one) => one === result).length
    expect([counted('taken'), counted('full'), counted('refused')]).toEqual([9, 11, 5])
    expect(verifier.queued).toBe(20)
    const queuedThen = await new Promise((resolve) => {
      const off = verifier.onRoom(() => {
        off()
        resolve(verifier.queued)
      })
    })
    expect(queuedThen).toBeLessThanOrEqual(5)
    await vi.waitUntil(() => verifier.queued === 0, { timeout: 20_000 })
    expect(verdicts).toEqual(Array.from({ length: 20 }, () => 'bad-signature'))
  })

  /** A verifier with one thread, which dies at so many of the first messages that it is sent. */
  async function dying(times: number) {
    const errors: string[] = []
    const killed = vi.spyOn(Worker.prototype, 'postMessage')
    for (let left = times; left > 0; left--)
      killed.mockImplementationOnce(function (this: Worker) {
        void this.terminate()
      })
    const env = testEnv()
    const log = { ...env.log, error: (_fields: object, text: string) => void errors.push(text) }
    const verifier = await startVerifier({ env: { ...env, log }, workers: 1 })
    return { verifier, errors, [Symbol.asyncDispose]: () => verifier.close() }
  }

  it('checks what was in a thread that died in another one, and says that it died', async () => {
    await using t = await dying(1)
    const others = Array.from({ length: 70 }, (_, n) => verdictOf(t.verifier, madeEvent({ created_at: n })))
    expect(await verdictOf(t.verifier, issue)).toBe('valid')
    expect(new Set(await Promise.all(others))).toEqual(new Set(['bad-signature']))
    expect(t.errors).toEqual(['a thread that checks signatures died'])
    expect(t.verifier.queued).toBe(0)
  })

  it('leaves unverified what three threads have died over, and goes on', async () => {
    await using t = await dying(3)
    expect(await verdictOf(t.verifier, issue)).toBe('unverified')
    expect(t.errors).toHaveLength(3)
    expect(await verdictOf(t.verifier, issue)).toBe('valid')
  })

  it('leaves unverified what waits when it closes, and takes nothing after', async () => {
    const verifier = await start()
    const verdict = verdictOf(verifier, issue)
    await verifier.close()
    await verifier.close()
    expect(await verdict).toBe('unverified')
    expect(verifier.submit(issue, () => undefined)).toBe('refused')
  })

  it('R106: says in the log what it checks with, and falls back to JavaScript where WebAssembly cannot be had', async () => {
    vi.doMock('tiny-secp256k1', () => {
      throw new Error('no WebAssembly here')
    })
    const told: string[] = []
    const tell = (_fields: object, text: string): void => void told.push(text)
    const env = testEnv()
    const log = { ...env.log, info: tell, warn: tell }
    await using verifier = await startVerifier({ env: { ...env, log }, workers: 1 })
    expect(verifier.backend).toBe('javascript')
    expect(told).toEqual(['signatures cannot be checked by wasm', 'signatures are checked by javascript'])
  })

  it('R106: checks by machine code where bcrypto is compiled, and by that alone if it judges rightly', async () => {
    const { schnorr } = await import('@noble/curves/secp256k1.js')
    const verify = (message: Buffer, signature: Buffer, publicKey: Buffer): boolean =>
      schnorr.verify(signature, message, publicKey)
    vi.doMock(bcrypto, () => ({ default: { native: 2, verify } }))
    const compiled = await start()
    await compiled.close()
    expect(compiled.backend).toBe('native')
    vi.doMock(bcrypto, () => ({ default: { native: 2, verify: () => true } }))
    const wrong = await start()
    await wrong.close()
    expect(wrong.backend).toBe('wasm')
  })

  it('R106: does not start with a back end that misjudges', async () => {
    vi.doMock('tiny-secp256k1', () => ({ isXOnlyPoint: () => true, verifySchnorr: () => true }))
    vi.doMock('@noble/curves/secp256k1.js', () => ({ schnorr: { verify: () => false } }))
    await expect(start()).rejects.toMatchObject({ code: 'HF_NOSTR_VERIFIER_UNAVAILABLE' })
  })

  it.each([{ workers: 0 }, { workers: 1.5 }, { maxQueued: 0 }])('refuses %j', async (options) => {
    await expect(start(options)).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
  })
})

describe('the memory of verified ids', () => {
  const id = (index: number): string => index.toString(16).padStart(64, '0')

  test.prop([fc.array(fc.nat(40), { maxLength: 300 }), fc.integer({ min: 2, max: 30 })])(
    'R78: knows the latest half of its capacity at least, and never more than all of it',
    (indexes, capacity) => {
      const known = new KnownIds(capacity)
      for (const index of indexes) known.add(id(index))
      expect(known.size).toBeLessThanOrEqual(capacity)
      const latest = [...new Set([...indexes].reverse())].slice(0, Math.floor(capacity / 2))
      if (new Set(indexes).size === indexes.length)
        expect(latest.filter((index) => !known.has(id(index)))).toEqual([])
    },
  )

  it('R78: remembers for longer what is asked for', () => {
    const known = new KnownIds(4)
    known.add(id(1))
    for (let index = 2; index < 20; index++) {
      expect(known.has(id(1))).toBe(true)
      known.add(id(index))
    }
    expect(known.has(id(2))).toBe(false)
  })
})
