import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import type { ProxySettings } from '../config/settings.js'
import type { GatekeeperRules } from '../policy/gatekeeper.js'
import { parseTable } from '../policy/tables.js'
import { ReplayStore } from '../replay/replay-store.js'

/** What a gatekeeper judges by, with the storage that reloads keep. */
export class LoadedRules {
  #replay: ReplayStore | null = null
  #limits: ProxySettings['replay'] = null

  /** What was seen; `null` while replays are not looked for. */
  get replay(): ReplayStore | null {
    return this.#replay
  }

  /**
   * Reads the tables' files and makes rules of settings. What was seen is kept unless its limits have changed.
   *
   * @throws a `HoldfastError` `HF_MTPROTO_TABLE_UNREADABLE` that names the file
   */
  async load(settings: ProxySettings): Promise<GatekeeperRules> {
    const { policy, secrets } = settings
    const tables = new Map<string, readonly string[]>()
    for (const [name, { entries, file }] of settings.tables) {
      tables.set(name, file === null ? entries : [...entries, ...(await readTable(file))])
    }
    return { rules: policy, tables, secrets, replay: this.#replayStore(settings.replay) }
  }

  #replayStore(limits: ProxySettings['replay']): ReplayStore | null {
    if (JSON.stringify(limits) !== JSON.stringify(this.#limits)) {
      this.#replay = limits === null ? null : new ReplayStore({ ...limits, salt: randomBytes(16) })
      this.#limits = limits
    }
    return this.#replay
  }
}

async function readTable(file: string): Promise<string[]> {
  try {
    return parseTable(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new HoldfastError(
      'HF_MTPROTO_TABLE_UNREADABLE',
      `cannot read ${file}, the file of a table: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
