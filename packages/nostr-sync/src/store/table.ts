import { Buffer } from 'node:buffer'

/** Which keys to visit: from `start` on, up to and without `end`, in order of bytes. */
export interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
  readonly limit: number
}

/** Ordered keys and values: what an {@link EventStore} is made of. */
export interface Table {
  get(key: Buffer): Buffer | undefined
  /** Only within a transaction. */
  put(key: Buffer, value: Buffer): void
  /** Only within a transaction. */
  remove(key: Buffer): void
  keys(range: KeyRange): Buffer[]
}

const longestChunk = 256

/** A table in memory. */
export class MemoryTable implements Table {
  /** Sorted, none empty. Keys as text whose order is that of the bytes. */
  readonly #chunks: string[][] = []
  readonly #values = new Map<string, Buffer>()
  /** What takes the present transaction back, newest last. */
  #undo: (() => void)[] = []

  /** Runs all of it, or, if it throws, nothing. */
  transaction<T>(write: () => T): T {
    this.#undo = []
    try {
      return write()
    } catch (error) {
      // A copy: taking back is a change as well.
      for (const step of this.#undo.toReversed()) step()
      throw error
    } finally {
      this.#undo = []
    }
  }

  get(key: Buffer): Buffer | undefined {
    return this.#values.get(key.toString('latin1'))
  }

  put(key: Buffer, value: Buffer): void {
    const name = key.toString('latin1')
    const before = this.#values.get(name)
    this.#undo.push(() => (before === undefined ? this.remove(key) : this.put(key, before)))
    if (before === undefined) this.#insert(name)
    // A copy: a short value is a piece of Node's pool, and would keep all of it.
    this.#values.set(name, Buffer.from(new Uint8Array(value).buffer))
  }

  remove(key: Buffer): void {
    const name = key.toString('latin1')
    const before = this.#values.get(name)
    if (before === undefined) return
    this.#undo.push(() => this.put(key, before))
    this.#values.delete(name)
    const at = this.#chunkOf(name)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    chunk.splice(lowerBound(chunk, name), 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  keys({ start, end, limit }: KeyRange): Buffer[] {
    const first = start.toString('latin1')
    const last = end.toString('latin1')
    const found: Buffer[] = []
    for (let at = this.#chunkOf(first); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] ?? []
      for (let index = lowerBound(chunk, first); index < chunk.length; index++) {
        const name = chunk[index] ?? ''
        if (name >= last || found.length === limit) return found
        found.push(Buffer.from(name, 'latin1'))
      }
    }
    return found
  }

  /** How many keys begin with this byte. */
  countOf(first: number): number {
    return this.keys({ start: Buffer.of(first), end: Buffer.of(first + 1), limit: Infinity }).length
  }

  #insert(name: string): void {
    const at = this.#chunkOf(name)
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#chunks.push([name])
      return
    }
    chunk.splice(lowerBound(chunk, name), 0, name)
    if (chunk.length > longestChunk) this.#chunks.splice(at + 1, 0, chunk.splice(longestChunk / 2))
  }

  /** The last chunk that begins at or before the name, or the first one. */
  #chunkOf(name: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#chunks[middle]?.[0] ?? '') <= name) low = middle
      else high = middle - 1
    }
    return low
  }
}

function lowerBound(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}
