import { mkdir, realpath } from 'node:fs/promises'
import { open, type RootDatabase } from 'lmdb'
import { MessageLogError } from './errors.js'

/** The database of a message log: ordered keys, values as MessagePack. */
export type LogDatabase = RootDatabase<unknown>

const format = 'holdfast conference messages 1'
const formatKey = ['meta', 'format']
const ownerKey = ['meta', 'owner']

/** Directories open in this process. LMDB would share one environment between two logs, unnoticed. */
const openPaths = new Set<string>()

/**
 * Opens or makes the database. One process at a time can have it open; one that was killed leaves no lock behind.
 *
 * @throws (rejects) a {@link MessageLogError}
 */
export async function openLogDatabase(
  path: string,
): Promise<{ readonly database: LogDatabase; readonly close: () => Promise<void> }> {
  const directory = await reach(path)
  if (openPaths.has(directory)) throw inUse(directory, 'this process')
  openPaths.add(directory)
  let database: LogDatabase | undefined
  const close = async (): Promise<void> => {
    await database?.close()
    openPaths.delete(directory)
  }
  try {
    database = open({
      path: directory,
      noSubdir: false,
      // A commit then ends after its data is on disk.
      overlappingSync: false,
      // Its batches have a promise that nobody handles: a full disk would end the process.
      eventTurnBatching: false,
    })
    claim(database, directory)
    return { database, close }
  } catch (cause) {
    await close()
    if (cause instanceof MessageLogError) throw cause
    throw new MessageLogError('HF_STORE_UNAVAILABLE', directory, 'LMDB cannot open it', { cause })
  }
}

async function reach(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (cause) {
    const what = 'cannot be made or reached: choose another directory, or mend its rights'
    throw new MessageLogError('HF_STORE_UNAVAILABLE', path, what, { cause })
  }
}

/** In one transaction, so that of two processes that open a log at the same time one is refused. */
function claim(database: LogDatabase, path: string): void {
  // Registers this process as a reader: how the others know that it lives.
  const found = database.get(formatKey)
  if (found === undefined && [...database.getKeys({ limit: 1 })].length > 0) {
    throw new MessageLogError('HF_STORE_FOREIGN', path, 'holds a database of another program')
  }
  if (found !== undefined && found !== format) {
    throw new MessageLogError('HF_STORE_FOREIGN', path, 'was written by another version')
  }
  database.transactionSync(() => {
    const owner = Number(database.get(ownerKey) ?? 0)
    if (owner !== process.pid && living(database).has(owner)) throw inUse(path, `process ${owner}`)
    database.putSync(ownerKey, process.pid)
    if (found === undefined) database.putSync(formatKey, format)
  })
}

/** The processes that have the environment open. Those that died are known by their lock, which died with them. */
function living(database: LogDatabase): Set<number> {
  database.readerCheck()
  return new Set([...database.readerList().matchAll(/^ *(\d+) /gm)].map(([, pid]) => Number(pid)))
}

function inUse(path: string, who: string): MessageLogError {
  return new MessageLogError('HF_STORE_IN_USE', path, `${who} has it open: stop it, or choose another`)
}
