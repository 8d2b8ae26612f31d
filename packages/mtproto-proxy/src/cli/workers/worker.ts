import {
  type Dialer,
  type DrainReport,
  type Env,
  end,
  fullJitter,
  HoldfastError,
  type Lifecycle,
  lifecycle,
  type Millis,
} from '@holdfast/core'
import { filter, firstValueFrom } from 'rxjs'
import type { WorkerState } from '../status-report.js'
import type { WorkerAnswers, WorkerRequest, WorkerStart } from './messages.js'
import { WorkerSession } from './worker-session.js'

/** How long a worker may take to start: the back first asks Telegram's site, which has its own limits. */
const startWithin: Millis = 60_000

/** How long others may wait for one that does not answer: less than those who scrape metrics do. */
const reportWithin: Millis = 2_000
const changeWithin: Millis = 10_000

const nothingDrained: DrainReport = { finished: 0, cut: [], took: 0, timedOut: false }

/** Options of {@link Worker}. */
interface WorkerOptions {
  readonly env: Env
  /** Of child processes. */
  readonly dialer: Dialer
  /** As it is to be started now; asked again whenever it is started. */
  readonly start: () => WorkerStart
}

/** One worker: a child process that is started again when it dies, by core's rules. */
export class Worker {
  readonly name: string
  readonly #env: Env
  readonly #lifecycle: Lifecycle<WorkerSession>
  #failure: HoldfastError | null = null
  #report: DrainReport | null = null

  constructor({ env, dialer, start }: WorkerOptions) {
    const { name } = start()
    this.name = name
    this.#env = { ...env, name }
    let wasReady = false
    this.#lifecycle = lifecycle({
      env: this.#env,
      dialer,
      endpoints: [{ uri: `process:${name.replaceAll(' ', '-')}` }],
      backoff: fullJitter({ floor: 50, base: 500 }),
      handshakeWithin: startWithin,
      // What cannot even start is for whoever started it to hear of; what has worked is worth another try.
      advise: (_why, { phase }) => {
        wasReady ||= phase === 'ready' || phase === 'stable'
        return wasReady ? { kind: 'now' } : { kind: 'never' }
      },
      protocol: (scope) =>
        new WorkerSession(scope, {
          clock: env.clock,
          start,
          failed: (error) => (this.#failure = error),
          drained: (report) => (this.#report = report),
        }),
    })
  }

  get state(): WorkerState {
    const { current, state } = this.#lifecycle
    return { name: this.name, pid: current?.pid ?? null, phase: state.phase }
  }

  /** `null` while it is down. */
  get session(): WorkerSession | null {
    return this.#lifecycle.current
  }

  /**
   * Starts it.
   *
   * @throws a `HoldfastError`: what it failed with, such as `HF_LISTEN_FAILED`, or how it ended
   */
  async start(o: { readonly signal?: AbortSignal } = {}): Promise<WorkerSession> {
    this.#lifecycle.start()
    try {
      return await this.#lifecycle.whenReady(o)
    } catch (cause) {
      this.close()
      throw this.#failure ?? cause
    }
  }

  /**
   * Asks it.
   *
   * @throws a `HoldfastError`: what it refuses with, or `HF_MTPROTO_WORKER_FAILED` when it is down, or ends, or does not
   *   answer in time: 2 s for reports, 10 s for changes
   */
  async ask<R extends WorkerRequest>(request: R): Promise<WorkerAnswers[R['kind']]> {
    const within = request.kind === 'state' || request.kind === 'metrics' ? reportWithin : changeWithin
    const { current } = this.#lifecycle
    if (current === null) throw this.#silence('is down')
    return new Promise((resolve, reject) => {
      const timer = this.#env.clock.after(within, () => reject(this.#silence('does not answer')))
      current
        .ask(request)
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  /** Has its process drained, and another one started. Resolves when that one is ready. */
  async replace(within: Millis): Promise<void> {
    const { current } = this.#lifecycle
    if (current === null) return
    current.replace(within)
    const next$ = this.#lifecycle.current$.pipe(filter((each) => each !== null && each !== current))
    await firstValueFrom(next$, { defaultValue: null })
  }

  /** Has it drained, and not started again. */
  async drain(within: Millis): Promise<DrainReport> {
    const { cut, took, timedOut } = await this.#lifecycle.drain({ within })
    return this.#report ?? { ...nothingDrained, cut, took, timedOut }
  }

  /** Kills it. */
  close(): void {
    this.#lifecycle.close(end('closed-by-us', { advice: { kind: 'never' } }))
  }

  #silence(what: string): HoldfastError {
    return new HoldfastError('HF_MTPROTO_WORKER_FAILED', `${this.name} ${what}: see the log, and try again`)
  }
}
