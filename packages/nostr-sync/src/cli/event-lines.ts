import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type EventReading, readEvent } from '../wire/event.js'

/**
 * Reads events from lines of JSON.
 *
 * @param path - a file, or `-` for standard input
 * @throws (rejects) when the file cannot be read
 */
export async function* eventLines(path: string): AsyncGenerator<EventReading, void, undefined> {
  const input = path === '-' ? process.stdin : createReadStream(path)
  // readline would leave the failure to nobody.
  const failed = new Promise<never>((_, reject) => input.on('error', reject))
  failed.catch(() => undefined)
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]()
  for (;;) {
    const next = await Promise.race([lines.next(), failed])
    if (next.done === true) return
    if (next.value.trim() !== '') yield readEvent(parse(next.value))
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null // An event that is none, as any other.
  }
}
