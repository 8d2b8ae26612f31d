import { readFile } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import type { ProxySettings } from './config/settings.js'
import { parseTable } from './policy/tables.js'

/**
 * The entries of all tables: those of the configuration and those of its files.
 *
 * @throws a `HoldfastError` `HF_MTPROTO_NO_TABLE_FILE` when a file cannot be read
 */
export async function readTables(
  tables: ProxySettings['tables'],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const read = async (name: string, file: string | null): Promise<string[]> => {
    if (file === null) return []
    try {
      return parseTable(await readFile(file, 'utf8'))
    } catch (cause) {
      throw new HoldfastError(
        'HF_MTPROTO_NO_TABLE_FILE',
        `the file of table ${name} cannot be read: ${String(cause)}`,
        { cause },
      )
    }
  }
  const all = [...tables].map(
    async ([name, { entries, file }]) => [name, [...entries, ...(await read(name, file))]] as const,
  )
  return new Map(await Promise.all(all))
}
