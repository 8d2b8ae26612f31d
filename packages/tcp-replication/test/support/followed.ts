import type { Position } from '@holdfast/core'
import { type FaultyLink, ScriptedDialer, type TestEnv, testEnv } from '@holdfast/core/testing'
import {
  type ClientProblem,
  type FollowedStream,
  type ReplicationClient,
  type ReplicationClientOptions,
  replicationClient,
} from '@holdfast/tcp-replication'

/** What an application was given, as short texts. */
export type Heard = string[]

/** A client whose server is the test. */
export class Followed implements AsyncDisposable {
  readonly env: TestEnv = testEnv({ name: 'w1' })
  readonly dialer = new ScriptedDialer(this.env.clock, [{}])
  readonly heard: Heard = []
  readonly problems: ClientProblem[] = []
  readonly client: ReplicationClient
  #told = 0

  constructor(
    streams: readonly (Partial<FollowedStream> & { readonly stream: string })[],
    options: Partial<ReplicationClientOptions> = {},
  ) {
    this.client = replicationClient({
      env: this.env,
      dialer: this.dialer,
      endpoints: [{ uri: 'tcp://127.0.0.1:9092' }],
      name: 'w1',
      dialect: 'D1',
      streams: streams.map((given) => ({
        apply: ({ stream, token, texts, position }) => {
          this.heard.push(`${stream} ${token} ${texts.join(' ')} → ${position}`)
        },
        reset: (why, position) => void this.heard.push(`${given.stream} reset ${why} at ${position}`),
        ...given,
      })),
      ...options,
    })
    this.client.problems$.subscribe((problem) => this.problems.push(problem))
  }

  /** Brings the client to a link that the server has accepted. */
  async connect(): Promise<void> {
    if (this.client.state.phase === 'idle') await this.client.start()
    while (this.client.state.phase !== 'dialing') await this.env.clock.advanceAsync(100)
    this.#told = 0
    this.link.open()
    await this.settle()
  }

  get link(): FaultyLink {
    return this.dialer.last
  }

  /** The server sends lines. */
  async says(...lines: readonly string[]): Promise<void> {
    this.link.receive(lines.map((line) => `${line}\n`).join(''))
    await this.settle()
  }

  /** What the client wrote since the last call, PINGs left out. */
  wrote(): string[] {
    const fresh = this.link.written.slice(this.#told).split('\n')
    this.#told = this.link.written.length
    return fresh.filter((line) => line !== '' && !line.startsWith('PING '))
  }

  /** What the application was given since the last call. */
  took(): string[] {
    return this.heard.splice(0)
  }

  async settle(ms = 0): Promise<void> {
    await this.env.clock.advanceAsync(ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}

/** A store in memory that outlives clients. */
export class KeptPosition {
  value: Position<number> | null = null
  readonly saved: (number | null)[] = []

  load = (): Promise<Position<number> | null> => Promise.resolve(this.value)

  save = (to: Position<number> | null): Promise<void> => {
    this.value = to
    this.saved.push(to?.at ?? null)
    return Promise.resolve()
  }
}
