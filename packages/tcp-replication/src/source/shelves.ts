import { UnknownStreamError } from './errors.js'
import { type Outlook, outlookOf } from './outlook.js'
import { newRecord, type StreamRecord } from './stream-record.js'

/** A stream of an append log. */
export interface Shelf {
  readonly name: string
  /** What is on disk. */
  record: StreamRecord
  /** What will be on disk after all that is waiting. */
  outlook: Outlook
}

/** The streams of an append log. */
export class Shelves {
  readonly #shelves: ReadonlyMap<string, Shelf>

  /**
   * @param records - what is on disk
   * @param names - the streams that are served, by default those on disk in the order in which they were made
   */
  constructor(records: ReadonlyMap<string, StreamRecord>, names?: readonly string[]) {
    const present = [...records].sort(([, a], [, b]) => a.id - b.id).map(([name]) => name)
    let nextId = 1 + Math.max(0, ...[...records.values()].map(({ id }) => id))
    this.#shelves = new Map(
      (names ?? present).map((name) => {
        const record = records.get(name) ?? newRecord(nextId++)
        return [name, shelf(name, record)]
      }),
    )
  }

  get names(): string[] {
    return [...this.#shelves.keys()]
  }

  get all(): Iterable<Shelf> {
    return this.#shelves.values()
  }

  /** @throws an {@link UnknownStreamError} */
  named(name: string): Shelf {
    const found = this.#shelves.get(name)
    if (found === undefined) throw new UnknownStreamError(name)
    return found
  }
}

/** Staged rows do not outlive the process that staged them. */
function shelf(name: string, stored: StreamRecord): Shelf {
  const record = stored.top > stored.head ? { ...stored, top: stored.head, voidAbove: stored.head } : stored
  return { name, record, outlook: outlookOf(name, record) }
}
