import { fc, test } from '@fast-check/vitest'
import { type Dialer, end, type Link, type Position } from '@holdfast/core'
import { memoryNetwork, type TestEnv, testEnv } from '@holdfast/core/testing'
import {
  memorySource,
  type ReplicationClient,
  type ReplicationServer,
  replicationClient,
  replicationServer,
} from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'

type Act =
  | 'append'
  | 'release'
  | 'cut'
  | 'crash'
  | 'drain'
  | 'close'
  | 'close-inside'
  | 'reconnect'
  | 'instant'

/**
 * A server with rows of the past, each a token of its own, and an application that settles when it is told to. The oracle:
 * tokens begin in order, none before all below it are done; the stored position is never beyond what is done; in the
 * end all are done.
 */
class SlowApplication implements AsyncDisposable {
  readonly #env: TestEnv = testEnv()
  readonly #network = memoryNetwork(this.#env.clock)
  readonly #source = memorySource({ streams: ['events'] })
  readonly #violated: string[] = []
  #server: ReplicationServer | null = null
  #client: ReplicationClient | null = null
  #link: Link | null = null
  /** A process that crashed does nothing more. */
  #life = 0
  #stored: Position<number> | null = { at: 0 }
  #head = 0
  /** Every token up to here has been applied. */
  #done = 0
  #release: (() => void) | null = null
  #closesInside = false
  #isInstant = false

  async start(past: number): Promise<void> {
    const { acceptor, at } = { acceptor: this.#network, at: { uri: 'memory:main' } }
    for (let token = 1; token <= past; token += 1) this.#append()
    this.#server = await replicationServer({
      ...{ env: this.#env, acceptor, at, source: this.#source, serverName: 's' },
      positionEvery: 60_000,
    })
    await this.#begin()
  }

  async act(kind: Act): Promise<void> {
    const { clock } = this.#env
    switch (kind) {
      case 'append':
        this.#append()
        break
      case 'release':
        this.#settle()
        break
      case 'cut':
        this.#link?.destroy(end('reset-by-peer'))
        break
      case 'crash':
        this.#crash()
        await this.#begin()
        break
      case 'drain': {
        const drained = this.#client?.drain({ within: 1000 })
        this.#settle()
        await clock.advanceAsync(1000)
        await drained
        // What began since is cut off.
        this.#release = null
        await this.#begin()
        break
      }
      case 'close':
        this.#client?.close()
        // What is under way still ends, and may be stored.
        this.#settle()
        await clock.advanceAsync(10)
        await this.#begin()
        break
      case 'close-inside':
        this.#closesInside = true
        break
      case 'reconnect':
        await clock.advanceAsync(5000)
        break
      case 'instant':
        this.#isInstant = !this.#isInstant
    }
    await clock.advanceAsync(1)
    expect(this.#violated).toEqual([])
    if (this.#client?.state.phase === 'closed') {
      this.#settle()
      await clock.advanceAsync(10)
      await this.#begin()
    }
  }

  /** All that can go well from now on does. */
  async finish(): Promise<void> {
    this.#closesInside = false
    this.#isInstant = true
    this.#settle()
    await this.#env.clock.advanceAsync(10_000)
    expect(this.#violated).toEqual([])
    expect(this.#done).toBe(this.#head)
    expect(this.#stored).toEqual({ at: this.#head })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#crash()
    await this.#server?.[Symbol.asyncDispose]()
  }

  #append(): void {
    this.#head += 1
    this.#source.append('events', [[String(this.#head)]])
  }

  #settle(): void {
    this.#release?.()
    this.#release = null
  }

  #crash(): void {
    this.#life += 1
    this.#release = null
    this.#link?.destroy(end('reset-by-peer'))
    this.#client?.close()
  }

  async #begin(): Promise<void> {
    const life = ++this.#life
    const client = replicationClient({
      env: this.#env,
      dialer: this.#dialer,
      endpoints: [{ uri: 'memory:main' }],
      name: 'w1',
      streams: [
        {
          stream: 'events',
          unread: true,
          apply: ({ token }) =>
            life === this.#life ? this.#apply(token, client) : new Promise(() => undefined),
          store: {
            load: () => Promise.resolve(this.#stored),
            save: async (to) => {
              if (life === this.#life) this.#save(to)
            },
          },
          reset: (why) => void this.#violated.push(`reset: ${why}`),
        },
      ],
    })
    this.#client = client
    await client.start()
    await this.#env.clock.advanceAsync(1)
  }

  get #dialer(): Dialer {
    return { dial: (to, sink) => (this.#link = this.#network.dial(to, sink)) }
  }

  #apply(token: number, client: ReplicationClient): void | Promise<void> {
    if (this.#release !== null) this.#violated.push(`${token} began while another was being applied`)
    if (token > this.#done + 1) this.#violated.push(`${token} began after ${this.#done}`)
    const done = (): void => void (this.#done = Math.max(this.#done, token))
    if (this.#closesInside) {
      this.#closesInside = false
      client.close()
    }
    if (this.#isInstant) {
      done()
      return undefined
    }
    const life = this.#life
    return new Promise((resolve) => {
      this.#release = () => {
        if (life === this.#life) done()
        resolve()
      }
    })
  }

  #save(to: Position<number> | null): void {
    this.#stored = to
    if (to === null || to.at > this.#done)
      this.#violated.push(`stored ${to?.at ?? 'nothing'} with ${this.#done} done`)
  }
}

async function play(past: number, acts: readonly Act[]): Promise<void> {
  await using it = new SlowApplication()
  await it.start(past)
  for (const act of acts) await it.act(act)
  await it.finish()
}

const ways: readonly Act[] = ['cut', 'crash', 'drain', 'close', 'close-inside']

describe('an application that takes its time over rows of one token each', () => {
  for (const way of ways) {
    it(`H13.8, H13.13, I17: misses none and stores no position too early, whenever there is a ${way}`, async () => {
      for (let released = 0; released <= 6; released += 1)
        for (let after = 0; after <= 2; after += 1) {
          const releases = (count: number): Act[] => Array.from({ length: count }, () => 'release')
          // The fifth and sixth come live, behind the catch-up.
          await play(4, ['append', 'append', ...releases(released), way, ...releases(after), 'reconnect'])
          await play(4, [...releases(released), way, ...releases(after), 'append', 'reconnect', 'append'])
        }
    })
  }

  test.prop(
    [
      fc.nat(6),
      fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.constant<Act>('release') },
          { weight: 3, arbitrary: fc.constant<Act>('append') },
          { weight: 2, arbitrary: fc.constantFrom<Act>('cut', 'reconnect') },
          { weight: 1, arbitrary: fc.constantFrom<Act>('instant', ...ways) },
        ),
        { maxLength: 40 },
      ),
    ],
    { numRuns: 150 },
  )('H13.8, H13.13, I17: misses none, whatever happens', play)
})
