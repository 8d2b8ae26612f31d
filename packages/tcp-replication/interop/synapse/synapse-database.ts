/** The database that a main process and its workers share, as the `database` part of homeserver.yaml. */
export interface SynapseDatabase {
  readonly name: 'sqlite3' | 'psycopg2'
  readonly args: Readonly<Record<string, string | number>>
}

/**
 * A database in one file. Workers on the same host can read it too, but Synapse writes no `caches` rows for it, so
 * a worker may go on serving what it has cached.
 */
export function sqliteDatabase(path: string): SynapseDatabase {
  return { name: 'sqlite3', args: { database: path } }
}

/** A database of a PostgreSQL server that listens on a Unix socket. */
export function postgresDatabase(socketDirectory: string, user: string, database: string): SynapseDatabase {
  return { name: 'psycopg2', args: { host: socketDirectory, user, database, cp_min: 1, cp_max: 5 } }
}
