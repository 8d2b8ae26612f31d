import { type Clock, HoldfastError, type Millis } from '@holdfast/core'
import type { ReplicationSource } from '../source/types.js'

/**
 * A source of which every read settles in time: one that takes too long counts as failed, and what it still brings is
 * ignored. A read that never settles would hold its stream up for ever, and nobody would hear of it.
 *
 * Its reads reject with a `HoldfastError` `HF_SOURCE_STALLED`.
 *
 * @param within - how long a read may take, in milliseconds; `Infinity` for any time
 */
export function punctualSource(source: ReplicationSource, clock: Clock, within: Millis): ReplicationSource {
  if (within === Infinity) return source
  return {
    streams: source.streams,
    head: (stream) => source.head(stream),
    first: (stream) => source.first(stream),
    subscribe: (listener) => source.subscribe(listener),
    read: (stream, after, upTo, limit) =>
      new Promise((resolve, reject) => {
        const reading = source.read(stream, after, upTo, limit)
        const timer = clock.after(within, () => {
          const what = `the source has not answered within ${within} ms, asked for ${stream} after ${after}`
          reject(new HoldfastError('HF_SOURCE_STALLED', what))
        })
        void reading.then(resolve, reject).finally(() => timer.cancel())
      }),
  }
}
