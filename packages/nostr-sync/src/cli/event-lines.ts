import { createReadStream } from 'node:fs'
import { linesOf } from '@holdfast/core/program'
import { type EventReading, readEvent } from '../wire/event.js'

/** Of what is wrong in a file or a store, so much is shown. */
export const mostShown = 20

const longest = 16 * 1024 * 1024

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
 * @throws (rejects) when the file cannot be read
 */
export async function* eventLines(path: string): AsyncGenerator<EventLine, void, undefined> {
  let line = 0
  let tooLong: number[] = []
  const onTooLong = (): void => void tooLong.push(++line)
  const passedOver = function* (): Generator<EventLine, void, undefined> {
    const why = `it is longer than ${longest} characters, as no event is`
    for (const each of tooLong) yield { line: each, reading: { kind: 'malformed', why, id: null } }
    tooLong = []
  }
  const input = path === '-' ? process.stdin : createReadStream(path)
  for await (const text of linesOf(input, { longest, onTooLong })) {
    yield* passedOver()
    line++
    if (text.trim() !== '') yield { line, reading: readEvent(parse(text)) }
  }
  yield* passedOver()
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null // An event that is none, as any other.
  }
}
