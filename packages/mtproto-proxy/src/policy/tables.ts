import { HoldfastError } from '@holdfast/core'
import { type IpPrefix, parsePrefix, prefixOf, prefixToText } from './ip-prefix.js'
import type { PolicyValue } from './rules.js'

/** Entries of one table at most. */
const maxEntries = 1_000_000

/**
 * The tables that rules look into. An entry is a text (case does not matter) or an address or a block of addresses; an
 * address is in a table if any entry contains it.
 *
 * Entries come from the configuration or are added at run time. `configure` replaces the former and keeps the latter;
 * which tables there are is for the configuration alone to say, so that a slip in a name is found.
 */
export class Tables {
  readonly #tables = new Map<string, Table>()

  /** @param configured - each table's entries */
  constructor(configured: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.configure(configured)
  }

  /** Replaces what comes from the configuration. Tables that it does not have any more are dropped. */
  configure(configured: ReadonlyMap<string, readonly string[]>): void {
    for (const name of this.#tables.keys()) if (!configured.has(name)) this.#tables.delete(name)
    for (const [name, entries] of configured) {
      const added = this.#tables.get(name)?.added ?? new EntrySet()
      const table: Table = { configured: new EntrySet(), added }
      for (const entry of entries) table.configured.add(entry)
      this.#tables.set(name, table)
    }
  }

  /** Names of the tables, and how many entries each has. */
  sizes(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#tables].map(([name, { configured, added }]) => [name, configured.size + added.size]),
    )
  }

  /** Whether a value is in a table. */
  has(name: string, value: PolicyValue): boolean {
    const table = this.#tables.get(name)
    return table !== undefined && (table.configured.has(value) || table.added.has(value))
  }

  /**
   * Adds an entry until the program ends.
   *
   * @returns `false` if it was there
   * @throws a `HoldfastError` `HF_MTPROTO_NO_TABLE`, or `HF_MTPROTO_TABLE_FULL`
   */
  add(name: string, entry: string): boolean {
    const { configured, added } = this.#table(name)
    if (configured.includes(entry)) return false
    if (added.size >= maxEntries) {
      throw new HoldfastError(
        'HF_MTPROTO_TABLE_FULL',
        `table ${name} has ${maxEntries} added entries; use a file`,
      )
    }
    return added.add(entry)
  }

  /**
   * Removes an entry; one from the configuration comes back at the next reload.
   *
   * @returns `false` if it was not there
   * @throws a `HoldfastError` `HF_MTPROTO_NO_TABLE`
   */
  delete(name: string, entry: string): boolean {
    const { configured, added } = this.#table(name)
    const wasConfigured = configured.delete(entry)
    return added.delete(entry) || wasConfigured
  }

  /**
   * The entries of a table, the configured ones first.
   *
   * @throws a `HoldfastError` `HF_MTPROTO_NO_TABLE`
   */
  entries(name: string): readonly string[] {
    const { configured, added } = this.#table(name)
    return [...configured.entries(), ...added.entries()]
  }

  #table(name: string): Table {
    const table = this.#tables.get(name)
    if (table !== undefined) return table
    const known = [...this.#tables.keys()].join(', ') || 'none'
    throw new HoldfastError(
      'HF_MTPROTO_NO_TABLE',
      `there is no table ${JSON.stringify(name.slice(0, 64))}, there are: ${known}; add it to [tables] of the configuration`,
    )
  }
}

interface Table {
  readonly configured: EntrySet
  readonly added: EntrySet
}

class EntrySet {
  readonly #texts = new Set<string>()
  /** Blocks by their length, so that a look-up costs one step for each length in use. */
  readonly #prefixes = new Map<number, Map<string, IpPrefix>>()

  get size(): number {
    let size = this.#texts.size
    for (const blocks of this.#prefixes.values()) size += blocks.size
    return size
  }

  has(value: PolicyValue): boolean {
    if (value.kind === 'text') return this.#texts.has(value.text.toLowerCase())
    const { ip, bits } = value.prefix
    for (const [length, blocks] of this.#prefixes) {
      if (length <= bits && blocks.has(keyOf(prefixOf(ip, length)))) return true
    }
    return false
  }

  includes(entry: string): boolean {
    const prefix = parsePrefix(entry)
    if (prefix === null) return this.#texts.has(entry.toLowerCase())
    return this.#prefixes.get(prefix.bits)?.has(keyOf(prefix)) === true
  }

  add(entry: string): boolean {
    if (this.includes(entry)) return false
    const prefix = parsePrefix(entry)
    if (prefix === null) {
      this.#texts.add(entry.toLowerCase())
      return true
    }
    const blocks = this.#prefixes.get(prefix.bits)
    if (blocks === undefined) this.#prefixes.set(prefix.bits, new Map([[keyOf(prefix), prefix]]))
    else blocks.set(keyOf(prefix), prefix)
    return true
  }

  delete(entry: string): boolean {
    const prefix = parsePrefix(entry)
    if (prefix === null) return this.#texts.delete(entry.toLowerCase())
    const blocks = this.#prefixes.get(prefix.bits)
    const wasThere = blocks?.delete(keyOf(prefix)) === true
    if (blocks?.size === 0) this.#prefixes.delete(prefix.bits)
    return wasThere
  }

  *entries(): Generator<string> {
    yield* this.#texts
    for (const blocks of this.#prefixes.values())
      for (const block of blocks.values()) yield prefixToText(block)
  }
}

function keyOf({ ip }: IpPrefix): string {
  return String.fromCharCode(...ip)
}

/**
 * Reads the entries of a table's file: one on each line; what follows a `#` is a comment.
 *
 * @example
 * ```ts
 * import { parseTable } from '@holdfast/mtproto-proxy'
 *
 * parseTable('192.0.2.7\n\n# a whole network\n198.51.100.0/24 # since May\n') // => ['192.0.2.7', '198.51.100.0/24']
 * ```
 */
export function parseTable(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((entry) => entry !== '')
}
