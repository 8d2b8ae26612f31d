import { createReadStream } from 'node:fs'
import { linesOf } from '@holdfast/core/program'
import { type EventReading, readEvent } from '../wire/event.js'

/**
 * Reads events from lines of JSON.
 *
 * @param path - a file, or `-` for standard input
 * @throws (rejects) when the file cannot be read, or a line of it is longer than any event
 */
export async function* eventLines(path: string): AsyncGenerator<EventReading, void, undefined> {
  for await (const line of linesOf(path === '-' ? process.stdin : createReadStream(path))) {
    if (line.trim() !== '') yield readEvent(parse(line))
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null // An event that is none, as any other.
  }
}
