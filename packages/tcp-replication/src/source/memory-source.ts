import { type Budget, type Clock, OptionError, systemClock } from '@holdfast/core'
import { TokenOrderError, UnknownStreamError } from './errors.js'
import { MemoryStream } from './memory-stream.js'
import { checkRetention } from './retention.js'
import { batchOf, checkToken } from './row-batches.js'
import { SourceListeners } from './source-listeners.js'
import type { ReplicationSource } from './types.js'

/** Options of {@link memorySource}. */
export interface MemorySourceOptions {
  /** The streams, in the order in which they are served. */
  readonly streams: readonly string[]
  /**
   * How much each stream holds; `count` counts rows. The oldest batches go first, at each append.
   *
   * @defaultValue everything
   */
  readonly retain?: Budget
  /**
   * Where time comes from, for `retain.age`.
   *
   * @defaultValue the host's clock
   */
  readonly clock?: Clock
}

/** A source that lives in memory. */
export interface MemorySource extends ReplicationSource {
  /**
   * Appends one batch of rows and tells the subscribers before it returns.
   *
   * @param rows - JSON values, at least one
   * @param token - above the head; one above it if left out
   * @returns the batch's token
   * @throws a {@link TokenOrderError}, {@link UnknownStreamError} or `UnsendableError`; nothing is appended then
   */
  append(stream: string, rows: readonly unknown[], token?: number): number
  /** Starts a stream over at `to`, as a source does whose tokens are not kept across restarts. */
  reset(stream: string, to: number): void
  /** The oldest position from which reading is complete. */
  first(stream: string): number
}

/**
 * Makes a source that lives in memory, for tests and for streams that need not outlive the process.
 *
 * @throws an `OptionError` when the streams repeat a name or the retention is no budget
 *
 * @example
 * ```ts
 * import { memorySource } from '@holdfast/tcp-replication'
 *
 * const source = memorySource({ streams: ['events'] })
 * source.append('events', [['ev', '$1'], ['ev', '$2']]) // => 1
 * source.append('events', [['ev', '$3']], 7) // => 7
 * const page = await source.read('events', 0, 7, { bytes: 1000 })
 * page // => { batches: [{ token: 1, rows: ['["ev","$1"]', '["ev","$2"]'] }, { token: 7, rows: ['["ev","$3"]'] }], to: 7 }
 * ```
 */
export function memorySource(options: MemorySourceOptions): MemorySource {
  const { retain, clock = systemClock() } = options
  const names = [...options.streams]
  const streams = new Map(names.map((name) => [name, new MemoryStream()]))
  if (streams.size < names.length) throw new OptionError('streams', 'distinct names', names.join(' '))
  if (retain !== undefined) checkRetention(retain)
  const listeners = new SourceListeners()

  const streamOf = (name: string): MemoryStream => {
    const stream = streams.get(name)
    if (stream === undefined) throw new UnknownStreamError(name)
    return stream
  }

  return {
    streams: names,
    head: (name) => streamOf(name).head,
    first: (name) => streamOf(name).first,
    subscribe: (listener) => listeners.add(listener),

    // Asynchronous, so that an unknown stream is a rejection and not an exception.
    read: async (name, after, upTo, limit) => await Promise.resolve(streamOf(name).read(after, upTo, limit)),

    append(name, rows, token = streamOf(name).head + 1) {
      const stream = streamOf(name)
      const from = stream.head
      const batch = batchOf(name, token, rows)
      if (token <= from) throw new TokenOrderError(name, token, `above the head, ${from}`)
      // Only an age asks for the time.
      const now = retain?.age === undefined ? 0 : clock.wall()
      stream.push(batch, now)
      if (retain !== undefined) stream.trim(retain, now)
      listeners.tell({ kind: 'appended', stream: name, from, to: token, batches: [batch] })
      return token
    },

    reset(name, to) {
      const stream = streamOf(name)
      checkToken(name, to)
      if (to === stream.head) return
      stream.reset(to)
      listeners.tell({ kind: 'reset', stream: name, to })
    },
  }
}
