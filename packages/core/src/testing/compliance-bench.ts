import assert from 'node:assert/strict'
import { type Accepting, type Acceptor, type Dialer, type Endpoint, end, type Link } from '../index.js'
import { type RecordedLink, RecordingSink } from './recording-sink.js'

/** A transport to be checked. It must run by real time. */
export interface ComplianceSubject {
  readonly transport: Dialer & Acceptor
  /** An address to listen on; called for each check, for addresses may be used up. */
  at(): Endpoint
  /** What dialing needs beside what was bound, for example certificates. Default: nothing. */
  readonly dialing?: Readonly<Record<string, unknown>>
  /** Where nobody listens. */
  readonly nowhere: Endpoint
}

/** Why a check ends links that it is done with. */
export const done = end('closed-by-us', { detail: 'the check is over' })

/** A listening transport and the links that a check made. */
export class ComplianceBench {
  readonly subject: ComplianceSubject
  readonly #accepting: Accepting
  readonly #accepted: RecordedLink[] = []
  readonly #dialed: RecordedLink[] = []
  /** Whether peers that come are taken. */
  takes = true
  #toldEarly = false
  readonly #expected = new Map<string, (far: RecordedLink) => void>()

  static async set(subject: ComplianceSubject): Promise<ComplianceBench> {
    const bench: { made?: ComplianceBench } = {}
    const accepting = await subject.transport.accept(subject.at(), {
      incoming: (take) => bench.made?.takes === true && bench.made.#takes(take),
      failed: (cause) => assert.fail(String(cause)),
    })
    bench.made = new ComplianceBench(subject, accepting)
    return bench.made
  }

  private constructor(subject: ComplianceSubject, accepting: Accepting) {
    this.subject = subject
    this.#accepting = accepting
  }

  dial(to: Endpoint = { ...this.#accepting.endpoint, ...this.subject.dialing }): RecordedLink {
    const sink = new RecordingSink()
    const made = { link: this.subject.transport.dial(to, sink), sink }
    this.#dialed.push(made)
    return made
  }

  /** Two ends of one link, both open. A greeting tells which of the accepted ones is the other end. */
  async pair(): Promise<{ near: RecordedLink; far: RecordedLink }> {
    const near = this.dial()
    await near.sink.until('opened')
    const greeting = `hello ${near.link.id}`
    const arrived = new Promise<RecordedLink>((resolve) => this.#expected.set(greeting, resolve))
    near.link.write(greeting)
    const far = await arrived
    far.sink.during = null
    far.sink.received.length = 0
    far.sink.told.length = 0
    return { near, far }
  }

  /** Resolves when what was sent before on other links must have arrived. */
  async barrier(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      const { near, far } = await this.pair()
      near.link.write('ping')
      await far.sink.until(() => far.sink.byteLength === 4)
      far.link.write('pong')
      await near.sink.until(() => near.sink.byteLength === 4)
      near.link.destroy(done)
      await far.sink.until('ended')
    }
  }

  async clear(): Promise<void> {
    const all = [...this.#dialed, ...this.#accepted]
    for (const { link } of all) link.destroy(done)
    await this.#accepting.close()
    assert(!this.#toldEarly, 'an accepted link tells nothing before it is taken')
    for (const { sink } of all) {
      assert.equal(sink.count('ended'), 1, 'exactly one ended')
      assert.equal(sink.told.at(-1), 'ended', 'nothing after ended')
    }
  }

  #takes(take: (sink: RecordingSink) => Link): void {
    const sink = new RecordingSink()
    const made = { link: take(sink), sink }
    this.#accepted.push(made)
    // Before its owner holds the link it cannot act on what it is told.
    this.#toldEarly ||= sink.told.length > 0 || made.link.phase !== 'opening'
    sink.during = () => this.#expected.get(Buffer.from(sink.bytes).toString())?.(made)
  }
}
