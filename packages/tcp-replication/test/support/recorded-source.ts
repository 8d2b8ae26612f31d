import type { Off } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import type { ReplicationSource, RowBatch, SourceEvent, SourcePage } from '@holdfast/tcp-replication'
import { encodeJson } from './json.js'

/** A source that does as the one in the recordings: any tokens, slow or failing queries, pokes when told. */
export class RecordedSource implements ReplicationSource {
  readonly streams: readonly string[]
  readonly #clock: VirtualClock
  readonly #rows = new Map<string, { token: number; row: string }[]>()
  readonly #heads = new Map<string, number>()
  readonly #listeners = new Set<(event: SourceEvent) => void>()
  /** How long each of the next queries takes, in seconds. */
  slow: number[] = []
  /** Streams whose queries fail. */
  readonly failing = new Set<string>()

  constructor(clock: VirtualClock, streams: readonly string[], initial: number) {
    this.#clock = clock
    this.streams = streams
    for (const stream of streams) this.#heads.set(stream, initial)
  }

  add(stream: string, rows: readonly (readonly [number, unknown])[], head: number): void {
    const all = this.#rows.get(stream) ?? []
    all.push(...rows.map(([token, row]) => ({ token, row: encodeJson(row) })))
    this.#rows.set(stream, all)
    this.#heads.set(stream, head)
  }

  poke(): void {
    for (const [stream, to] of this.#heads) {
      for (const listener of [...this.#listeners]) listener({ kind: 'appended', stream, from: -Infinity, to })
    }
  }

  head(stream: string): number {
    return this.#heads.get(stream) ?? 0
  }

  first(): number {
    return 0
  }

  subscribe(listener: (event: SourceEvent) => void): Off {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async read(stream: string, after: number, upTo: number, limit: { bytes: number }): Promise<SourcePage> {
    const seconds = this.slow.shift()
    if (seconds !== undefined)
      await new Promise<void>((resolve) => this.#clock.after(seconds * 1000, resolve))
    if (this.failing.has(stream)) throw new Error('source failure')
    const found = (this.#rows.get(stream) ?? []).filter(({ token }) => token > after && token <= upTo)
    const batches = new Map<number, string[]>()
    for (const { token, row } of found.toSorted((a, b) => a.token - b.token)) {
      batches.set(token, [...(batches.get(token) ?? []), row])
    }
    return firstPage(
      [...batches].map(([token, rows]) => ({ token, rows })),
      upTo,
      limit.bytes,
    )
  }
}

function firstPage(batches: readonly RowBatch[], upTo: number, bytes: number): SourcePage {
  let size = 0
  for (const [index, { token, rows }] of batches.entries()) {
    size += rows.reduce((sum, row) => sum + row.length, 0)
    if (size >= bytes && index < batches.length - 1)
      return { batches: batches.slice(0, index + 1), to: token }
  }
  return { batches, to: upTo }
}
