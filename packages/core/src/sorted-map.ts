/** What a {@link SortedMap} can be keyed by; the keys of one map are either all strings or all numbers. */
export type SortedKey = string | number

type Chunk<K, V> = readonly (readonly [K, V])[]

/** A chunk beyond this is halved: short enough to copy in tens of nanoseconds, long enough to keep chunks few. */
const longestChunk = 128

/**
 * An immutable map in the order of its keys. `set` and `delete` return another map that shares nearly everything
 * with this one, so that a pure machine can hold tens of thousands of entries and still change one of them for
 * about a microsecond: a change copies one chunk of entries and the list of chunks.
 *
 * Iterating visits the entries of this map, whatever is derived from it meanwhile. As JSON it is its entries.
 *
 * @example
 * ```ts
 * import { SortedMap } from '@holdfast/core'
 *
 * const one = new SortedMap<string, number>().set('b', 2)
 * const two = one.set('a', 1)
 *
 * Array.from(two) // => [['a', 1], ['b', 2]]
 * one.has('a') // => false
 * one.delete('a') === one // => true
 * ```
 */
export class SortedMap<K extends SortedKey, V> implements ReadonlyMap<K, V> {
  /** How many entries there are. */
  readonly size: number
  readonly #chunks: readonly Chunk<K, V>[]

  /** @internal The parameters are the map's own; without them it is empty. */
  constructor(chunks: readonly Chunk<K, V>[] = [], size = 0) {
    this.#chunks = chunks
    this.size = size
  }

  /** The value, or `undefined`. */
  get(key: K): V | undefined {
    return this.#entry(key)?.[1]
  }

  /** Whether there is an entry. */
  has(key: K): boolean {
    return this.#entry(key) !== undefined
  }

  /** The entry with the smallest key. */
  first(): readonly [K, V] | undefined {
    return this.#chunks[0]?.[0]
  }

  /** This map with `key` set; this very map if the value is already there. */
  set(key: K, value: V): SortedMap<K, V> {
    const at = chunkOf(this.#chunks, key)
    const chunk = this.#chunks[at] ?? []
    const index = indexOf(chunk, key)
    const old = chunk[index]
    const known = old?.[0] === key
    if (known && Object.is(old[1], value)) return this
    // Either makes an array of the very size; a copy that grew would be copied twice.
    const changed = known ? chunk.with(index, [key, value]) : chunk.toSpliced(index, 0, [key, value])
    return this.#replace(at, changed, known ? 0 : 1)
  }

  /** This map without `key`; this very map if it was not there. */
  delete(key: K): SortedMap<K, V> {
    const at = chunkOf(this.#chunks, key)
    const chunk = this.#chunks[at] ?? []
    const index = indexOf(chunk, key)
    if (chunk[index]?.[0] !== key) return this
    return this.#replace(at, chunk.toSpliced(index, 1), -1)
  }

  /** Visits the entries in order. */
  forEach(fn: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const chunk of this.#chunks) for (const entry of chunk) fn(entry[1], entry[0], this)
  }

  entries(): MapIterator<[K, V]> {
    return this.#list(([key, value]): [K, V] => [key, value])
  }

  keys(): MapIterator<K> {
    return this.#list(([key]) => key)
  }

  values(): MapIterator<V> {
    return this.#list(([, value]) => value)
  }

  /** The entries in order. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  /** The entries, as JSON shows the map. */
  toJSON(): [K, V][] {
    return [...this]
  }

  #entry(key: K): readonly [K, V] | undefined {
    const chunk = this.#chunks[chunkOf(this.#chunks, key)]
    const entry = chunk?.[indexOf(chunk, key)]
    return entry?.[0] === key ? entry : undefined
  }

  *#list<T>(pick: (entry: readonly [K, V]) => T): Generator<T, undefined> {
    for (const chunk of this.#chunks) for (const entry of chunk) yield pick(entry)
    return undefined
  }

  #replace(at: number, changed: Chunk<K, V>, grown: number): SortedMap<K, V> {
    const chunks = this.#chunks.slice()
    const next = chunks[at + 1]
    const half = longestChunk / 2
    if (changed.length > longestChunk) chunks.splice(at, 1, changed.slice(0, half), changed.slice(half))
    else if (changed.length === 0) chunks.splice(at, 1)
    // Joined while short, or a map that has shrunk would be a long list of chunks with an entry each.
    else if (grown < 0 && next !== undefined && changed.length + next.length < half)
      chunks.splice(at, 2, [...changed, ...next])
    else chunks[at] = changed
    return new SortedMap(chunks, this.size + grown)
  }
}

/** The last chunk that begins at or before `key`, or the first one. */
function chunkOf<K extends SortedKey>(chunks: readonly Chunk<K, unknown>[], key: K): number {
  let low = 0
  let high = chunks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    const first = chunks[middle]?.[0]
    if (first !== undefined && first[0] <= key) low = middle
    else high = middle - 1
  }
  return low
}

/** The first index whose key is `key` or comes after it. */
function indexOf<K extends SortedKey>(chunk: Chunk<K, unknown>, key: K): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = chunk[middle]
    if (entry !== undefined && entry[0] < key) low = middle + 1
    else high = middle
  }
  return low
}
