import { createReadStream } from 'node:fs'
import { linesOf } from '@holdfast/core/program'
import { type EventReading, readEvent } from '../wire/event.js'

/** Of what is wrong in a file or a store, so much is shown. */
export const mostShown = 20

/** What a line of a file turned out to be. */
export interface EventLine {
  /** Counted from 1, empty lines included. */
  readonly line: number
  readonly reading: EventReading
}

/**
 * Reads events from lines of JSON.
 *
 * @param path - a file, or `-` for standard input
 * @throws (rejects) when the file cannot be read, or a line of it is longer than any event
 */
export async function* eventLines(path: string): AsyncGenerator<EventLine, void, undefined> {
  let line = 0
  for await (const text of linesOf(path === '-' ? process.stdin : createReadStream(path))) {
    line++
    if (text.trim() !== '') yield { line, reading: readEvent(parse(text)) }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null // An event that is none, as any other.
  }
}
