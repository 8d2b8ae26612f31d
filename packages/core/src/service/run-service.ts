import { constants } from 'node:os'
import type { Clock, DrainReport, Log, Millis } from '../index.js'
import { HoldfastError, systemClock } from '../index.js'
import { exitCodeOf } from '../program/command-error.js'
import { exitCodes } from '../program/exit-codes.js'

/** What {@link runService} needs of a started service. */
export interface RunningService {
  /** Lets work in flight finish within the deadline. */
  drain(o: { readonly within: Millis }): Promise<DrainReport>
  /** Reads its configuration again, at SIGHUP. Without it SIGHUP stops the service as SIGTERM does. */
  reload?(): Promise<void> | void
  /** For services that end by themselves: fulfilled, the program exits with 0; rejected, with 1. */
  readonly finished?: Promise<unknown>
  /** Called last, before the program exits. */
  [Symbol.asyncDispose]?(): PromiseLike<void>
}

/** The part of Node's `process` that is used; a test passes its own. */
export interface ServiceHost {
  /** Listens for a signal or an uncaught error. */
  on(event: string, listener: (...args: unknown[]) => void): unknown
  /** Stops listening. */
  off(event: string, listener: (...args: unknown[]) => void): unknown
  /** Ends the process. */
  exit(code: number): unknown
  readonly stdout: {
    /** Takes the report of the drain. */
    write(text: string): unknown
  }
}

/** Options of {@link runService}. */
export interface ServiceOptions {
  /** The program's name. */
  readonly name: string
  readonly log: Log
  /** Starts the service; the signal is aborted when the program is asked to stop meanwhile. */
  readonly start: (signal: AbortSignal) => Promise<RunningService> | RunningService
  /**
   * How long draining may take, in milliseconds.
   *
   * @defaultValue 10000
   */
  readonly drainWithin?: Millis
  /**
   * Print the drain's report as JSON instead of as text.
   *
   * @defaultValue false
   */
  readonly json?: boolean
  /** @defaultValue the process */
  readonly host?: ServiceHost
  /** @defaultValue the host's clock */
  readonly clock?: Clock
}

type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** How long draining may take, unless the options say otherwise. */
const usualDrainWithin: Millis = 10_000

/** How much longer than its deadline a drain may take before it counts as stuck. */
const grace: Millis = 1000

/** How long a drained service may take to let go of files and ports: long enough for what a slow disk has yet to write. */
const disposeWithin: Millis = 10_000

/**
 * Runs a service until it is told to stop, then exits the process with one of {@link exitCodes}.
 *
 * SIGTERM or SIGINT drains: what is in flight may finish within `drainWithin`, and the report goes to standard
 * output. A second one exits at once, with 130 or 143. SIGHUP reloads. An error that nobody caught is logged and
 * exits with 1 without draining, for the state of the program is not known any more.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const host: ServiceHost = options.host ?? process
  const run = new ServiceRun(options, host)
  const listeners = {
    SIGTERM: () => run.stop('SIGTERM'),
    SIGINT: () => run.stop('SIGINT'),
    SIGHUP: () => run.hangUp(),
    uncaughtException: (cause: unknown) => run.crash(cause),
    unhandledRejection: (cause: unknown) => run.crash(cause),
  }
  for (const [event, listener] of Object.entries(listeners)) host.on(event, listener)
  try {
    host.exit(await run.toTheEnd())
  } finally {
    for (const [event, listener] of Object.entries(listeners)) host.off(event, listener)
  }
}

class ServiceRun {
  readonly #options: ServiceOptions
  readonly #host: ServiceHost
  readonly #clock: Clock
  readonly #starting = new AbortController()
  readonly #stopped: Promise<Signal>
  #tellStopped: (signal: Signal) => void = () => undefined
  #service: RunningService | null = null
  #isStopping = false
  #reloading: Promise<void> = Promise.resolve()

  constructor(options: ServiceOptions, host: ServiceHost) {
    this.#options = options
    this.#host = host
    this.#clock = options.clock ?? systemClock()
    this.#stopped = new Promise((resolve) => (this.#tellStopped = resolve))
  }

  stop(signal: Signal): void {
    const { log } = this.#options
    if (this.#isStopping) {
      log.warn({ signal }, 'exiting at once, without waiting for the rest')
      this.#host.exit(128 + constants.signals[signal])
      return
    }
    this.#isStopping = true
    log.info({ signal }, 'stopping; a second signal exits at once')
    this.#starting.abort(
      new HoldfastError('HF_STOPPED', `${this.#options.name} was told to stop by ${signal}`),
    )
    this.#tellStopped(signal)
  }

  hangUp(): void {
    const service = this.#service
    if (service?.reload === undefined) {
      if (service !== null) this.stop('SIGHUP')
      return
    }
    this.#reloading = this.#reloading.then(() => this.#reload(service))
  }

  crash(cause: unknown): void {
    this.#options.log.error({ err: cause }, 'an error that nobody caught')
    this.#host.exit(exitCodes.failure)
  }

  /** The exit code. */
  async toTheEnd(): Promise<number> {
    const { start } = this.#options
    try {
      this.#service = await this.#started(Promise.resolve(start(this.#starting.signal)))
    } catch (cause) {
      if (this.#isStopping && !isStuck(cause)) return exitCodes.ok
      this.#tell(cause, 'could not start')
      return exitCodeOf(cause)
    }
    const service = this.#service
    try {
      const { finished } = service
      const why = await Promise.race([
        this.#stopped,
        ...(finished === undefined ? [] : [finished.then(() => null)]),
      ])
      if (why !== null) await this.#drain(service)
      const disposed = service[Symbol.asyncDispose]?.()
      if (disposed !== undefined) await this.#within(disposeWithin, disposed, 'disposing of the service')
      return exitCodes.ok
    } catch (cause) {
      this.#tell(cause, 'failed')
      return exitCodes.failure
    }
  }

  /** What has a code says what to do; where all else came from is for whoever mends it. */
  #tell(cause: unknown, what: string): void {
    const { log } = this.#options
    if (cause instanceof HoldfastError) log.error({ code: cause.code, ...reasonOf(cause) }, cause.message)
    else log.error({ err: cause }, what)
  }

  /** A start that takes no notice of being aborted, like one that waits for a disk, gets as long as a drain would. */
  #started(service: Promise<RunningService>): Promise<RunningService> {
    const { drainWithin = usualDrainWithin } = this.#options
    const stuck = this.#stopped.then(() => this.#within(drainWithin + grace, service, 'starting'))
    return Promise.race([service, stuck])
  }

  async #drain(service: RunningService): Promise<void> {
    const { name, drainWithin: within = usualDrainWithin, json = false } = this.#options
    const report = await this.#within(within + grace, service.drain({ within }), 'the drain')
    this.#host.stdout.write(
      json ? `${JSON.stringify({ drained: report })}\n` : `${describeDrain(name, report)}\n`,
    )
  }

  /** What was told to stop must stop, whatever hangs in it. */
  #within<T>(ms: Millis, done: PromiseLike<T>, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(ms, () => {
        reject(new HoldfastError('HF_DRAIN_STUCK', `${what} did not settle within ${ms} ms`))
      })
      Promise.resolve(done)
        .finally(() => timer.cancel())
        .then(resolve, reject)
    })
  }

  async #reload(service: RunningService): Promise<void> {
    const { log } = this.#options
    if (this.#isStopping) return
    try {
      await service.reload?.()
      log.info({}, 'reloaded')
    } catch (cause) {
      // A mistake in the new configuration must not stop what runs by the old one.
      if (cause instanceof HoldfastError) log.error({ code: cause.code }, `kept as it was: ${cause.message}`)
      else log.error({ err: cause }, 'kept as it was: reloading failed')
    }
  }
}

function isStuck(cause: unknown): boolean {
  return cause instanceof HoldfastError && cause.code === 'HF_DRAIN_STUCK'
}

/** What lies behind an error: which file is damaged, for example, where the error says what it was for. */
function reasonOf({ cause, message }: HoldfastError): object {
  return cause instanceof Error && !message.includes(cause.message) ? { reason: cause.message } : {}
}

/** How many labels of cut work are printed. */
const shownLabels = 20

/** The report of a drain for people. */
export function describeDrain(name: string, { finished, cut, took, timedOut }: DrainReport): string {
  const seconds = (took / 1000).toFixed(1)
  const lines = [
    `${name}: drained in ${seconds} s${timedOut ? ', at the deadline' : ''}: ${finished} finished, ${cut.length} cut`,
    ...cut.slice(0, shownLabels).map((label) => `  cut: ${label}`),
  ]
  if (cut.length > shownLabels) lines.push(`  and ${cut.length - shownLabels} more`)
  return lines.join('\n')
}
