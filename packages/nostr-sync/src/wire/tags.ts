import { parseAddress } from './address.js'
import type { NostrEvent } from './event.js'
import { isHex64 } from './hex.js'

/** The first value of the first tag of that name. */
export function tagValue(event: Pick<NostrEvent, 'tags'>, name: string): string | undefined {
  return event.tags.find((tag) => tag[0] === name)?.[1]
}

/** All values of all tags of that name, as `clone`, `relays` and `maintainers` carry them. */
export function tagValues(event: Pick<NostrEvent, 'tags'>, name: string): string[] {
  return event.tags.flatMap((tag) => (tag[0] === name ? tag.slice(1) : []))
}

/** The pairs of tag letter and value that filters can ask for: first values of single-letter tags, each once. */
export function indexedTags(event: Pick<NostrEvent, 'tags'>): (readonly [letter: string, value: string])[] {
  const seen = new Set<string>()
  const pairs: (readonly [string, string])[] = []
  for (const [name = '', value] of event.tags) {
    if (value === undefined || !isTagLetter(name) || seen.has(name + value)) continue
    seen.add(name + value)
    pairs.push([name, value])
  }
  return pairs
}

/** Whether a tag of that name is indexed. */
export function isTagLetter(name: string): boolean {
  return /^[a-zA-Z]$/.test(name)
}

/** What an event refers to, by tags that can be meant as a reference (spec 2). */
export interface References {
  /** Event ids, of `e`, `E` and `q` tags. Only those that can be ids. */
  readonly ids: readonly string[]
  /** Addresses such as `30617:<pubkey>:<d>`, of `a`, `A` and `q` tags. */
  readonly addresses: readonly string[]
}

/** Reads the references of an event, each once. */
export function referencesOf(event: Pick<NostrEvent, 'tags'>): References {
  const ids = new Set<string>()
  const addresses = new Set<string>()
  for (const [name, value] of event.tags) {
    if (value === undefined) continue
    const mayBeId = name === 'e' || name === 'E' || name === 'q'
    const mayBeAddress = name === 'a' || name === 'A' || name === 'q'
    if (mayBeId && isHex64(value)) ids.add(value)
    else if (mayBeAddress && parseAddress(value) !== null) addresses.add(value)
  }
  return { ids: [...ids], addresses: [...addresses] }
}

/** Whether the author asks relays to take the event from nobody else (NIP-70). */
export function isProtected(event: Pick<NostrEvent, 'tags'>): boolean {
  return event.tags.some((tag) => tag[0] === '-')
}
