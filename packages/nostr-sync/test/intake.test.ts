import { fakeScope, testEnv } from '@holdfast/core/testing'
import {
  type AdmissionPolicy,
  type EventSource,
  eventIntake,
  graspPolicy,
  type IntakeOutcome,
  memoryStore,
  type NostrEvent,
  openPolicy,
  RejectedEvents,
  startVerifier,
  type Verdict,
  type Verifier,
} from '@holdfast/nostr-sync'
import { TestAuthor, trustingVerifier } from '@holdfast/nostr-sync/testing'
import { describe, expect, it } from 'vitest'
import { LinkIntake } from '../src/intake/link-intake.js'

const alice = new TestAuthor('alice')
const bob = new TestAuthor('bob')
const relay = (name: string): EventSource => ({ kind: 'relay', url: `wss://${name}.example` })
const here = { relays: ['wss://grasp.example'], clone: ['https://grasp.example/alice/project.git'] }
const address = `30617:${alice.pubkey}:project`

/** A verifier whose verdicts the test gives. */
class ManualVerifier implements Verifier {
  readonly backend = 'javascript'
  readonly waiting: { event: NostrEvent; done: (verdict: Verdict) => void }[] = []
  submitted = 0
  room = Infinity
  #listeners = new Set<() => void>()
  get queued(): number {
    return this.waiting.length
  }
  submit(event: NostrEvent, done: (verdict: Verdict) => void): 'taken' | 'refused' {
    if (this.waiting.length >= this.room) return 'refused'
    this.submitted++
    this.waiting.push({ event, done })
    return 'taken'
  }
  onRoom(listener: () => void) {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
  judge(verdict: Verdict, count = this.waiting.length): void {
    for (const { done } of this.waiting.splice(0, count)) done(verdict)
    for (const listener of this.#listeners) listener()
  }
  close = () => Promise.resolve();
  [Symbol.asyncDispose] = () => Promise.resolve()
}

function setUp(options: Partial<Parameters<typeof eventIntake>[0]> = {}) {
  const env = testEnv()
  const store = memoryStore(env.clock)
  const verifier = options.verifier ?? trustingVerifier()
  const intake = eventIntake({ env, store, policy: openPolicy(), ...options, verifier })
  const offer = (event: NostrEvent, from: EventSource = { kind: 'client' }): Promise<IntakeOutcome> =>
    new Promise((resolve) => intake.offer(event, from, resolve))
  return { env, store, intake, offer }
}

describe('the intake', () => {
  it('R77: a valid event is saved, told of once, and known from then on', async () => {
    const { store, intake, offer } = setUp()
    const saved: string[][] = []
    intake.onSaved((events) => saved.push(events.map(({ id }) => id)))
    const event = alice.signs()
    expect(intake.knows(event.id)).toBe(false)
    expect(await offer(event)).toEqual({ kind: 'saved' })
    expect(store.get(event.id)).toEqual(event)
    expect(intake.knows(event.id)).toBe(true)
    expect(await offer(event)).toEqual({ kind: 'known', because: 'stored' })
    expect(saved).toEqual([[event.id]])
  })

  it('R77: what came in one burst is stored and told of together, in its order', async () => {
    const { intake } = setUp()
    const saved: string[][] = []
    intake.onSaved((events) => saved.push(events.map(({ content }) => content)))
    for (const content of ['a', 'b', 'c']) intake.offer(alice.signs({ content }), relay('one'))
    await intake.settled()
    expect(saved).toEqual([['a', 'b', 'c']])
  })

  it('R78: the same event from ten relays is verified once', async () => {
    const { env } = setUp()
    await using verifier = await startVerifier({ env, workers: 1 })
    const { intake } = setUp({ verifier })
    const event = alice.signs()
    const outcomes: string[] = []
    for (let n = 0; n < 10; n++) intake.offer(event, relay(`r${n}`), ({ kind }) => outcomes.push(kind))
    expect(verifier.queued).toBe(10)
    await intake.settled()
    expect(outcomes).toEqual(['saved', ...Array.from({ length: 9 }, () => 'known')])
    expect(intake.counts.of(relay('r0'), 'saved')).toBe(1)
    expect(intake.counts.of(relay('r9'), 'duplicate')).toBe(1)
  })

  it('R78: what comes between verification and storing is not verified again', async () => {
    const verifier = new ManualVerifier()
    const { intake, offer } = setUp({ verifier })
    const event = alice.signs()
    const first = offer(event, relay('a'))
    verifier.judge('valid')
    const second = offer(event, relay('b'))
    expect(intake.pending).toBe(2)
    expect(verifier.submitted).toBe(1)
    expect(await Promise.all([first, second])).toEqual([
      { kind: 'saved' },
      { kind: 'known', because: 'stored' },
    ])
  })

  it('R78: known events are not verified again', async () => {
    const verifier = new ManualVerifier()
    const { intake } = setUp({ verifier })
    const event = alice.signs()
    intake.offer(event, relay('one'))
    verifier.judge('valid')
    await intake.settled()
    intake.offer(event, relay('two'))
    expect(verifier.submitted).toBe(1)
  })

  it('R78: a forged body with a real id does not keep the real one out', async () => {
    const { env } = setUp()
    await using verifier = await startVerifier({ env, workers: 1 })
    const { offer } = setUp({ verifier })
    const event = alice.signs()
    const forged = { ...event, sig: bob.signs().sig }
    expect(await Promise.all([offer(forged), offer(event), offer({ ...event, content: 'x' })])).toEqual([
      { kind: 'invalid', why: 'the signature is not the author’s', isForged: true },
      { kind: 'saved' },
      { kind: 'invalid', why: 'the id is not that of the content', isForged: true },
    ])
  })

  it('R69, R70: an author on the block list costs no verification', async () => {
    const verifier = new ManualVerifier()
    const policy = graspPolicy({ domains: ['grasp.example'], authorBlockList: [alice.pubkey] })
    const { offer } = setUp({ policy, verifier })
    expect(await offer(alice.announces('project', here))).toMatchObject({
      kind: 'rejected',
      reason: 'blocked',
    })
    expect(verifier.submitted).toBe(0)
  })

  it('R91: what is dated more than 900 s ahead is invalid', async () => {
    const { env, offer } = setUp()
    const now = Math.floor(env.clock.wall() / 1000)
    expect(await offer(alice.signs({ created_at: now + 901 }))).toMatchObject({ kind: 'invalid' })
    expect(await offer(alice.signs({ created_at: now + 900 }))).toEqual({ kind: 'saved' })
  })

  it('R75: what a relay brings is rejected once; what a client brings is looked at again', async () => {
    const verifier = new ManualVerifier()
    const { intake } = setUp({ policy: graspPolicy({ domains: ['grasp.example'] }), verifier })
    const outcomes: IntakeOutcome[] = []
    const orphan = alice.signs({ kind: 1621, tags: [['a', address]] })
    const offer = async (from: EventSource): Promise<void> => {
      intake.offer(orphan, from, (outcome) => outcomes.push(outcome))
      verifier.judge('valid')
      await intake.settled()
    }
    await offer(relay('one'))
    await offer(relay('two'))
    await offer({ kind: 'client' })
    const rejected = { kind: 'rejected', reason: 'orphan', detail: 'refers to nothing that is stored' }
    expect(outcomes).toEqual([rejected, { kind: 'known', because: 'rejected' }, rejected])
    expect(verifier.submitted).toBe(2)
  })

  it('R75: a chain that comes in one burst, children first, is all saved', async () => {
    const { store, intake } = setUp({ policy: graspPolicy({ domains: ['grasp.example'] }) })
    const announcement = alice.announces('project', here)
    const issue = bob.signs({ kind: 1621, tags: [['a', address]] })
    const comment = bob.signs({ kind: 1111, tags: [['E', issue.id]] })
    const reply = alice.signs({ kind: 1111, tags: [['e', comment.id]] })
    const stranger = bob.signs({ kind: 1111, tags: [['e', 'f'.repeat(64)]] })
    const outcomes = new Map<string, string>()
    for (const event of [reply, stranger, comment, issue, announcement])
      intake.offer(event, { kind: 'client' }, ({ kind }) => outcomes.set(event.id, kind))
    await intake.settled()
    expect([...outcomes.values()].toSorted()).toEqual(['rejected', 'saved', 'saved', 'saved', 'saved'])
    expect(outcomes.get(stranger.id)).toBe('rejected')
    expect(store.size).toBe(4)
  })

  it('R75: an orphan of a minute ago is saved when its parent comes, without being sent again', async () => {
    const { store, intake, offer } = setUp({ policy: graspPolicy({ domains: ['grasp.example'] }) })
    const issue = bob.signs({ kind: 1621, tags: [['a', address]] })
    await offer(issue, relay('one'))
    expect(store.has(issue.id)).toBe(false)
    await offer(alice.announces('project', here), relay('two'))
    await intake.settled()
    expect(store.has(issue.id)).toBe(true)
  })

  it('R75: what is too old to be there in whole may come again once it is acceptable', async () => {
    const rejected = new RejectedEvents({ hotMs: 1000 })
    const { env, offer, intake } = setUp({ policy: graspPolicy({ domains: ['grasp.example'] }), rejected })
    const issue = bob.signs({ kind: 1621, tags: [['a', address]] })
    await offer(issue, relay('one'))
    env.clock.advance(120_000)
    expect(rejected.hotSize).toBe(0)
    expect(intake.knows(issue.id)).toBe(true)
    await offer(alice.announces('project', here), relay('one'))
    expect(intake.knows(issue.id)).toBe(false)
    expect(await offer(issue, relay('one'))).toEqual({ kind: 'saved' })
  })

  it('R76: a held event is known and not stored, until its need is met', async () => {
    let hasGit = false
    const policy: AdmissionPolicy = {
      ...openPolicy(),
      admit: () => (hasGit ? { kind: 'accept' } : { kind: 'hold', needs: 'git data' }),
    }
    const { store, intake, offer } = setUp({ policy })
    const event = alice.signs({ kind: 30618 })
    expect(await offer(event)).toEqual({ kind: 'held', needs: 'git data' })
    expect(await offer(event)).toEqual({ kind: 'known', because: 'held' })
    expect(store.size).toBe(0)
    expect(intake.held).toBe(1)
    hasGit = true
    intake.reconsider('something else')
    intake.reconsider('git data')
    await intake.settled()
    expect(store.has(event.id)).toBe(true)
    expect(intake.held).toBe(0)
  })

  it('R76: what is held expires after half an hour', async () => {
    const policy: AdmissionPolicy = { ...openPolicy(), admit: () => ({ kind: 'hold', needs: 'x' }) }
    const { env, intake, offer } = setUp({ policy })
    const event = alice.signs()
    await offer(event)
    env.clock.advance(1_800_000)
    expect(intake.held).toBe(1)
    env.clock.advance(60_001)
    expect(intake.held).toBe(0)
    expect(intake.knows(event.id)).toBe(false)
  })

  it('R86: a replaced event is known, and said to be gone', async () => {
    const { offer } = setUp()
    const old = alice.announces('project', { created_at: 1 })
    await offer(old)
    await offer(alice.announces('project', { created_at: 2 }))
    expect(await offer(old)).toEqual({ kind: 'known', because: 'gone' })
    expect(await offer(alice.announces('project', { created_at: 1, content: 'other' }))).toEqual({
      kind: 'known',
      because: 'gone',
    })
  })

  it('says full at its bound, in events and in characters, and tells when half of it is free', async () => {
    const verifier = new ManualVerifier()
    const { intake } = setUp({ verifier, maxPending: 4, maxPendingChars: 1000 })
    let told = 0
    intake.onRoom(() => told++)
    const offer = (content: string) => intake.offer(alice.signs({ content }), relay('one'))
    expect(['1', '2', '3', '4', '5'].map(offer)).toEqual(['taken', 'taken', 'taken', 'full', 'full'])
    verifier.judge('bad-signature', 2)
    expect([intake.pending, told]).toEqual([3, 0])
    verifier.judge('bad-signature', 1)
    expect([intake.pending, told]).toEqual([2, 1])
    verifier.judge('bad-signature')
    expect(offer('x'.repeat(1000))).toBe('full')
  })

  it('keeps what the verifier has no room for, and submits it later', async () => {
    const verifier = new ManualVerifier()
    verifier.room = 1
    const { store, intake } = setUp({ verifier })
    for (const content of ['1', '2', '3']) intake.offer(alice.signs({ content }), relay('one'))
    expect(verifier.submitted).toBe(1)
    while (verifier.waiting.length > 0) verifier.judge('valid')
    await intake.settled()
    expect(store.size).toBe(3)
  })

  it('reads no more of a link while it is full', () => {
    const verifier = new ManualVerifier()
    const { intake } = setUp({ verifier, maxPending: 2 })
    const scope = fakeScope()
    const paused: boolean[] = []
    const link = new LinkIntake(intake, relay('one'), {
      defer: (fn) => scope.defer(fn),
      guard: (fn) => scope.guard(fn),
      link: Object.assign(Object.create(scope.link) as typeof scope.link, {
        pause: () => {
          paused.push(true)
          return () => paused.push(false)
        },
      }),
    })
    for (const content of ['1', '2', '3']) link.offer(alice.signs({ content }))
    expect(paused).toEqual([true])
    verifier.judge('bad-id')
    expect(paused).toEqual([true, false])
  })

  it('tells what could not be stored or verified as failed, and takes it again', async () => {
    const verifier = new ManualVerifier()
    const { store, intake } = setUp({ verifier })
    const outcomes: string[] = []
    const event = alice.signs()
    intake.offer(event, relay('one'), ({ kind }) => outcomes.push(kind))
    verifier.judge('unverified')
    const put = store.put.bind(store)
    store.put = () => Promise.reject(new Error('disk full'))
    intake.offer(event, relay('one'), ({ kind }) => outcomes.push(kind))
    verifier.judge('valid')
    await intake.settled()
    store.put = put
    intake.offer(event, relay('one'), ({ kind }) => outcomes.push(kind))
    verifier.judge('valid')
    await intake.settled()
    expect(outcomes).toEqual(['failed', 'failed', 'saved'])
  })

  it('closes after what it has verified is stored; the rest has failed', async () => {
    const verifier = new ManualVerifier()
    const { store, intake } = setUp({ verifier })
    const outcomes: string[] = []
    const offer = (content: string) =>
      intake.offer(alice.signs({ content }), relay('one'), ({ kind }) => outcomes.push(kind))
    offer('stored')
    verifier.judge('valid')
    offer('too late')
    await intake.close()
    verifier.judge('valid')
    offer('after the end')
    expect(outcomes).toEqual(['saved', 'failed', 'failed'])
    expect(store.size).toBe(1)
  })

  it.each([{ maxPending: 0 }, { maxPendingChars: NaN }, { maxAheadSecs: -1 }])('refuses %o', (option) => {
    expect(() => setUp(option)).toThrow(expect.objectContaining({ field: Object.keys(option)[0] }))
  })
})
