import { open } from 'node:fs/promises'
import type { Env } from '@holdfast/core'
import type { EventStore } from '../store/types.js'
import type { EventSink, SinkStats } from './types.js'

/** Options of {@link jsonLinesSink}. */
export interface JsonLinesSinkOptions {
  readonly env: Pick<Env, 'log'>
  readonly store: EventStore
  /** The file that is appended to; made if it is not there. */
  readonly path: string
}

/** Characters that may wait for a slow disk. */
const maxWaiting = 64 * 1024 * 1024

/**
 * Appends every event that is saved from now on to a file, as JSON on a line of its own. What was saved before is `export`'s.
 *
 * When the disk is full, or too slow for what comes, lines are left out, and an error in the log says how many.
 *
 * @throws (rejects) when the file cannot be opened
 */
export async function jsonLinesSink({ env, store, path }: JsonLinesSinkOptions): Promise<EventSink> {
  const file = await open(path, 'a')
  const stats: SinkStats = { delivered: 0, refused: 0 }
  let lines: string[] = []
  let waiting = 0
  let lost = 0
  let writing: Promise<void> | null = null

  const write = async (): Promise<void> => {
    while (lines.length > 0) {
      const taken = lines
      const text = taken.join('')
      lines = []
      try {
        await file.appendFile(text)
        stats.delivered += taken.length
      } catch (cause) {
        env.log.error({ err: cause, path, events: taken.length }, 'events are missing from the file')
      }
      waiting -= text.length
      if (lost > 0)
        env.log.error({ path, events: lost }, 'the disk is too slow: events are missing from the file')
      lost = 0
    }
    writing = null
  }
  const stop = store.onChange((change) => {
    if (change.kind !== 'saved') return
    const line = `${JSON.stringify(change.event)}\n`
    if (waiting + line.length > maxWaiting) {
      lost++
      return
    }
    waiting += line.length
    lines.push(line)
    writing ??= write()
  })
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => {
    stop()
    closed ??= (writing ?? Promise.resolve()).then(() => file.close())
    return closed
  }
  return { name: path, stats, drain: close, [Symbol.asyncDispose]: close }
}
