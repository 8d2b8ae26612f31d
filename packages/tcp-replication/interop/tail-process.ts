import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holdfastProcess } from './holdfast-cli.js'
import type { ManagedProcess } from './managed-process.js'
import { type WaitOptions, waitUntil } from './wait-until.js'

interface TailBatch {
  readonly stream: string
  readonly token: number
  readonly rows: readonly unknown[]
}

interface TailProblem {
  readonly kind: string
  readonly stream?: string
  readonly why?: string
  readonly position?: number
}

/** Where the tail is, and what it follows. */
export interface TailOptions {
  readonly directory: string
  readonly name?: string
  /** The flags that say what to follow. */
  readonly follow: readonly string[]
}

/** `tail --json --checkpoint` of our program, and what it has printed in all its runs. */
export class TailProcess {
  readonly process: ManagedProcess
  readonly checkpointPath: string
  readonly batches: TailBatch[] = []
  readonly problems: TailProblem[] = []
  readonly #outputPath: string
  #taken = 0

  constructor({ directory, name = 'tail', follow }: TailOptions) {
    this.checkpointPath = join(directory, `${name}.json`)
    const { process, outputPath } = holdfastProcess(directory, name, [
      ...['tail', '--json', '--log-level', 'info', '--checkpoint', this.checkpointPath, ...follow],
    ])
    this.process = process
    this.#outputPath = outputPath
  }

  /** Starts it, or starts it again, and waits until every stream has had its position. */
  async start(): Promise<void> {
    const mark = this.process.logMark()
    this.process.start()
    await this.ready(mark)
  }

  /** Waits until every stream has had its position, seen in its log after `mark`. */
  async ready(mark: number): Promise<void> {
    await this.process.waitForLog(/handshaking → ready/u, mark, { deadlineMs: 90_000 })
  }

  /** Takes what has been printed since. */
  read(): void {
    if (!existsSync(this.#outputPath)) return
    const text = readFileSync(this.#outputPath, 'utf8')
    const end = text.lastIndexOf('\n') + 1
    for (const line of text.slice(this.#taken, end).split('\n')) {
      if (line === '') continue
      const value = JSON.parse(line) as TailBatch | { problem: TailProblem }
      if ('problem' in value) this.problems.push(value.problem)
      else this.batches.push(value)
    }
    this.#taken = end
  }

  /** Waits until it has printed something. */
  until(what: string, probe: () => boolean, options: WaitOptions = {}): Promise<boolean> {
    return waitUntil(
      what,
      () => {
        this.read()
        return probe()
      },
      { deadlineMs: 60_000, ...options },
    )
  }

  /** How often each event has been printed, by its id. */
  get events(): Map<string, number> {
    const times = new Map<string, number>()
    for (const { stream, rows } of this.batches) {
      if (stream !== 'events') continue
      for (const row of rows as [string, [string]][]) {
        if (row[0] === 'ev') times.set(row[1][0], (times.get(row[1][0]) ?? 0) + 1)
      }
    }
    return times
  }

  /** How many of these events have been printed. */
  seen(ids: readonly string[]): number {
    const { events } = this
    return ids.filter((id) => events.has(id)).length
  }

  /** Whether a row of a stream has been printed that holds all these texts. */
  hasRow(stream: string, ...texts: readonly string[]): boolean {
    return this.batches.some((batch) => {
      if (batch.stream !== stream) return false
      return batch.rows.some((row) => {
        const text = JSON.stringify(row)
        return texts.every((each) => text.includes(each))
      })
    })
  }

  /** Streams reported to have started over at a lower position. */
  get resets(): string[] {
    return this.problems.flatMap(({ kind, why, stream }) =>
      kind === 'reset' && why === 'went-backwards' && stream !== undefined ? [stream] : [],
    )
  }

  /** The rows printed of each stream. */
  rowCounts(): string {
    const counts = new Map<string, number>()
    for (const { stream, rows } of this.batches) counts.set(stream, (counts.get(stream) ?? 0) + rows.length)
    return [...counts].map(([stream, count]) => `${stream} ${count}`).join(', ')
  }

  /** The positions that it would go on from. */
  async checkpoint(): Promise<ReadonlyMap<string, number>> {
    const stored = JSON.parse(await readFile(this.checkpointPath, 'utf8')) as Record<string, { at: number }>
    return new Map(Object.entries(stored).map(([stream, { at }]) => [stream, at]))
  }
}
