import type { SortedKey, SortedMap } from '../sorted-map.js'
import type { Member } from './types.js'

/**
 * The live or the frozen members as they are, however long somebody holds on to this. An iteration goes through those
 * there were when it began and passes over who has left since: a loop that sends to each member freezes some of them.
 */
export class MembersView<K extends SortedKey, V> implements ReadonlyMap<K, Member<V>> {
  readonly #current: () => SortedMap<K, Member<V>>

  constructor(current: () => SortedMap<K, Member<V>>) {
    this.#current = current
  }

  get size(): number {
    return this.#current().size
  }

  get(key: K): Member<V> | undefined {
    return this.#current().get(key)
  }

  has(key: K): boolean {
    return this.#current().has(key)
  }

  forEach(fn: (member: Member<V>, key: K, map: ReadonlyMap<K, Member<V>>) => void): void {
    for (const [key, member] of this) fn(member, key, this)
  }

  entries(): MapIterator<[K, Member<V>]> {
    return this.#list((key, member): [K, Member<V>] => [key, member])
  }

  keys(): MapIterator<K> {
    return this.#list((key) => key)
  }

  values(): MapIterator<Member<V>> {
    return this.#list((_, member) => member)
  }

  [Symbol.iterator](): MapIterator<[K, Member<V>]> {
    return this.entries()
  }

  toJSON(): [K, Member<V>][] {
    return [...this]
  }

  *#list<T>(pick: (key: K, member: Member<V>) => T): Generator<T, undefined> {
    for (const key of this.#current().keys()) {
      const member = this.#current().get(key)
      if (member !== undefined) yield pick(key, member)
    }
    return undefined
  }
}
