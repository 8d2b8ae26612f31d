import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { NostrEvent } from '../wire/event.js'
import { type Filter, filterMatcher, listsGone } from '../wire/filter.js'
import type { ItemEdit, NegentropyItems } from '../wire/negentropy/items.js'

/** What a set is of. */
export interface ItemsQuestion {
  readonly filter: Filter
  /** With what was replaced or deleted (R97). */
  readonly withGone: boolean
}

/** What has become of an event: `gone` also where it was replaced or deleted already when it came. */
export type ItemChangeKind = 'saved' | 'removed' | 'gone'

interface ItemChange {
  readonly kind: ItemChangeKind
  /** Without its content. */
  readonly event: NostrEvent
  readonly chars: number
}

/** A set as it was when so many changes had been told. */
interface Kept {
  items: NegentropyItems
  at: number
}

/** A set that is being collected. */
export interface Collecting {
  /** It is collected: what has changed meanwhile is put into it. */
  done(items: NegentropyItems): NegentropyItems
}

/** 37 MB. */
const mostItems = 1_000_000
const mostSets = 64
/** Changes that are remembered for sets that nobody asks for: a set that is further behind is collected anew. */
const mostChanges = 10_000
/** Characters of their tags. */
const mostChars = 8 * 1024 * 1024
/** Filters that were asked for once. */
const mostAsked = 256

/**
 * Sets for reconciliation that were asked for before, so that asking again looks at what has changed since and not at the store
 * (R108). Storing costs them nothing: changes wait until somebody asks.
 */
export class KeptItems {
  /** By the hash of the question, the one that was asked for last at the end. */
  readonly #sets = new Map<string, Kept>()
  readonly #asked = new Set<string>()
  #changes: ItemChange[] = []
  /** Changes that are forgotten. */
  #floor = 0
  #chars = 0
  #collecting = 0

  /** Tells what has changed in the store. */
  note(kind: ItemChangeKind, event: NostrEvent): void {
    if (this.#sets.size === 0 && this.#collecting === 0) return
    let chars = 0
    for (const tag of event.tags) for (const text of tag) chars += text.length
    this.#changes.push({ kind, event: { ...event, content: '', sig: '' }, chars })
    this.#chars += chars
    // In parts: taking each single one off the front would move all the others.
    if (this.#changes.length < 2 * mostChanges && this.#chars < 2 * mostChars) return
    const half = Math.ceil(this.#changes.length / 2)
    for (const old of this.#changes.splice(0, half)) this.#chars -= old.chars
    this.#floor += half
  }

  /** The set as it is now; null if it has to be collected. */
  get(question: ItemsQuestion): NegentropyItems | null {
    const key = keyOf(question)
    const kept = this.#sets.get(key)
    if (kept === undefined) return null
    this.#sets.delete(key)
    if (!this.#bringUpToDate(kept, question)) return null
    this.#sets.set(key, kept)
    return kept.items
  }

  /**
   * The set is about to be collected.
   *
   * @returns null if it is not to be kept: who asks once need not ask again
   */
  collect(question: ItemsQuestion): (Collecting & Disposable) | null {
    const key = keyOf(question)
    if (question.filter.ids !== undefined || !this.#wasAsked(key)) return null
    const at = this.#head
    this.#collecting++
    return {
      done: (collected) => {
        const kept = { items: collected, at }
        if (this.#bringUpToDate(kept, question)) this.#keep(key, kept)
        return kept.items
      },
      [Symbol.dispose]: () => {
        this.#collecting--
      },
    }
  }

  get #head(): number {
    return this.#floor + this.#changes.length
  }

  #wasAsked(key: string): boolean {
    if (this.#asked.delete(key)) return true
    this.#asked.add(key)
    const [first] = this.#asked
    if (this.#asked.size > mostAsked && first !== undefined) this.#asked.delete(first)
    return false
  }

  #bringUpToDate(kept: Kept, question: ItemsQuestion): boolean {
    if (kept.at < this.#floor) return false
    const edits = editsOf(this.#changes.slice(kept.at - this.#floor), question)
    if (edits.length > 0) kept.items = kept.items.edited(edits)
    kept.at = this.#head
    return true
  }

  #keep(key: string, kept: Kept): void {
    if (kept.items.size > mostItems) return
    this.#sets.set(key, kept)
    let size = 0
    for (const { items } of this.#sets.values()) size += items.size
    for (const [oldest, { items }] of this.#sets) {
      if (size <= mostItems && this.#sets.size <= mostSets) return
      this.#sets.delete(oldest)
      size -= items.size
    }
  }
}

function editsOf(changes: readonly ItemChange[], { filter, withGone }: ItemsQuestion): ItemEdit[] {
  const matches = filterMatcher([filter])
  const isGoneListed = withGone && listsGone(filter)
  const edits = new Map<string, ItemEdit>()
  for (const { kind, event } of changes) {
    if ((kind === 'gone' && !isGoneListed) || !matches(event)) continue
    const isThere = kind !== 'removed' || isGoneListed
    edits.set(event.id, { timestamp: event.created_at, id: Buffer.from(event.id, 'hex'), isThere })
  }
  return [...edits.values()]
}

/** A hash, because filters of strangers are long. */
function keyOf({ filter, withGone }: ItemsQuestion): string {
  const members = Object.entries(filter).filter(([name, value]) => name !== 'limit' && value !== undefined)
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([sorted, withGone]))
    .digest('base64')
}
