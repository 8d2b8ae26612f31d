import { Buffer } from 'node:buffer'
import { open, stat } from 'node:fs/promises'
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

const lineFeed = 0x0a
/** Characters that may wait for a slow disk. */
const maxWaiting = 64 * 1024 * 1024

/**
 * Appends every event that is saved from now on to a file, as JSON on a line of its own. What was saved before is `export`'s.
 *
 * When the disk is full, or too slow for what comes, lines are left out: an error in the log says how many, and they count as
 * refused. A process that is killed may leave out what it had saved in the last moment, and the last line in half; the next one begins on a
 * line of its own.
 *
 * @throws (rejects) when the file cannot be opened
 */
export async function jsonLinesSink({ env, store, path }: JsonLinesSinkOptions): Promise<EventSink> {
  const file = await open(path, 'a')
  // Of a process that was killed, or a disk that was full: what is appended to half a line would be lost with it.
  let isTorn = await endsInHalfALine(path)
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
        await file.appendFile(isTorn ? `\n${text}` : text)
        isTorn = false
        stats.delivered += taken.length
      } catch (cause) {
        isTorn = true
        stats.refused += taken.length
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
      stats.refused++
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

/** Pipes and devices have no end to look at; nor has what we may write, but not read. */
async function endsInHalfALine(path: string): Promise<boolean> {
  try {
    const { size } = await stat(path)
    if (size === 0) return false
    await using file = await open(path)
    const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 })
    return buffer[0] !== lineFeed
  } catch {
    return false // The file is open for writing, which is what counts.
  }
}
