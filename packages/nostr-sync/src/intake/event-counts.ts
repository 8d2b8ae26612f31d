import type { EventSource } from './event-source.js'

/** What may be counted of an event that was received (R104). `unsolicited`: no subscription had asked for it (R64). */
export type EventResult = 'saved' | 'duplicate' | 'rejected' | 'held' | 'invalid' | 'failed' | 'unsolicited'

/** Counts events by the relay they came from, or by `client` and `file`, and by what became of them. */
export class EventCounts {
  readonly #counts = new Map<string, Map<EventResult, number>>()

  /** Counts what became of an event. */
  add(from: EventSource, result: EventResult): void {
    const label = labelOf(from)
    const counts = this.#counts.get(label) ?? new Map<EventResult, number>()
    this.#counts.set(label, counts.set(result, (counts.get(result) ?? 0) + 1))
  }

  /** How many of one result there were from one source. */
  of(from: EventSource, result: EventResult): number {
    return this.#counts.get(labelOf(from))?.get(result) ?? 0
  }

  /** A source that is tracked no more: labels must not grow without end. */
  forget(from: EventSource): void {
    this.#counts.delete(labelOf(from))
  }

  /** All of them, as labels of a metric. */
  *entries(): Generator<readonly [source: string, result: EventResult, count: number], void, undefined> {
    for (const [label, counts] of this.#counts)
      for (const [result, count] of counts) yield [label, result, count]
  }
}

function labelOf(from: EventSource): string {
  return from.kind === 'relay' ? from.url : from.kind
}
