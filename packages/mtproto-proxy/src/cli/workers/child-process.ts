import type { ChildProcess } from 'node:child_process'
import {
  type Clock,
  type Dialer,
  type End,
  type Endpoint,
  end,
  type Link,
  type LinkSink,
  type Millis,
  nextLinkId,
  type Off,
  type Timer,
  type WriteResult,
} from '@holdfast/core'

/** Options of {@link childProcesses}. */
interface ChildProcessOptions {
  readonly clock: Clock
  /** Starts one, with a channel for messages. */
  readonly spawn: () => ChildProcess
  /**
   * How long one may take to exit once its channel is closed, in milliseconds; then it is killed.
   *
   * @defaultValue 2000
   */
  readonly exitWithin?: Millis
}

/**
 * Links to child processes: one that is dialed is started, one that is destroyed is killed, and one that exits has
 * ended. Messages are texts. Children are ended by closing their channel, not by a signal: signals of a terminal or a
 * service manager reach every process of a group, and would end all of them in no order.
 */
export function childProcesses(options: ChildProcessOptions): Dialer {
  return { dial: (to, sink) => new ProcessLink(to, sink, options) }
}

class ProcessLink implements Link {
  readonly id = nextLinkId()
  readonly endpoint: Endpoint
  /** The channel does not tell; orders are few and short. */
  readonly unflushed = 0
  readonly #options: ChildProcessOptions
  readonly #child: ChildProcess
  #sink: LinkSink | null
  #phase: Link['phase'] = 'opening'
  /** Why the link is retiring. */
  #why: End | null = null
  #deadline: Timer | null = null
  #accepted = 0

  constructor(endpoint: Endpoint, sink: LinkSink, options: ChildProcessOptions) {
    this.endpoint = endpoint
    this.#sink = sink
    this.#options = options
    this.#child = options.spawn()
    this.#child
      .on('spawn', () => this.#opened())
      .on('message', (message) => {
        if (this.#phase !== 'ended' && typeof message === 'string') this.#sink?.message?.(message)
      })
      // A child that cannot be started, or a message to one that has just died.
      .on('error', (cause) => {
        if (this.#phase === 'opening') this.#finish(end('dial-failed', { cause, detail: cause.message }))
      })
      .on('exit', (code, signal) => this.#exited(code, signal))
  }

  get phase(): Link['phase'] {
    return this.#phase
  }

  get accepted(): number {
    return this.#accepted
  }

  write(chunk: Uint8Array | string): WriteResult {
    if (this.#phase !== 'open' || typeof chunk !== 'string' || !this.#child.connected) return 'refused'
    this.#child.send(chunk)
    this.#accepted += Buffer.byteLength(chunk)
    return 'sent'
  }

  /** Orders and answers are few, and nobody has to wait with them. */
  pause(): Off {
    return () => undefined
  }

  end(why: End): void {
    if (this.#phase === 'opening') this.destroy(why)
    if (this.#phase !== 'open') return
    const { clock, exitWithin = 2000 } = this.#options
    this.#phase = 'retiring'
    this.#why = why
    this.#deadline = clock.after(exitWithin, () => this.destroy(why))
    if (this.#child.connected) this.#child.disconnect()
  }

  destroy(why: End): void {
    if (this.#phase === 'ended') return
    this.#child.kill('SIGKILL')
    this.#finish(why)
  }

  #opened(): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    this.#sink?.opened()
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const detail = signal === null ? `it exited with ${code}` : `it was killed by ${signal}`
    this.#finish(this.#why ?? end('closed-by-peer', { code: signal ?? code ?? 'unknown', detail }))
  }

  #finish(why: End): void {
    if (this.#phase === 'ended') return
    const sink = this.#sink
    this.#phase = 'ended'
    this.#sink = null
    this.#deadline?.cancel()
    sink?.ended(why)
  }
}
