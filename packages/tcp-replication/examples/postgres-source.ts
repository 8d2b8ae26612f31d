/**
 * A source for rows that live in PostgreSQL: whoever appends them wakes this process with NOTIFY.
 *
 * What a source must promise, and what keeps it here:
 *
 * - Tokens ascend in the order in which they become visible. A plain sequence does not do that, because a
 *   transaction that took its number earlier may commit later, and a reader would pass over its rows. So the token
 *   comes from the stream's own row, which stays locked until the commit.
 * - Rows of one token appear together: they are written in one transaction.
 * - Nobody reads past what was removed: `first` moves in the transaction that removes the rows, and is read after them.
 * - No wake-up is lost: after LISTEN, and after every reconnection, the heads are read once.
 */
import { type Clock, HoldfastError, type Off, systemClock, type Timer } from '@holdfast/core'
import {
  type ReplicationSource,
  type RowBatch,
  type SourceEvent,
  type SourcePage,
  UnknownStreamError,
} from '@holdfast/tcp-replication'
import pg from 'pg'

/** Tables and functions; run once. The application calls `replication_append` within its own transactions. */
export const schema = `
CREATE TABLE replication_streams (
  name text PRIMARY KEY,
  first bigint NOT NULL DEFAULT 0,
  head bigint NOT NULL DEFAULT 0
);
CREATE TABLE replication_rows (
  stream text NOT NULL REFERENCES replication_streams,
  token bigint NOT NULL,
  place int NOT NULL,
  json text NOT NULL CHECK (position(E'\\n' IN json) = 0),
  PRIMARY KEY (stream, token, place)
);
CREATE FUNCTION replication_append(stream_name text, variadic jsons json[]) RETURNS bigint AS $$
DECLARE
  new_token bigint;
BEGIN
  UPDATE replication_streams SET head = head + 1 WHERE name = stream_name RETURNING head INTO STRICT new_token;
  INSERT INTO replication_rows
    SELECT stream_name, new_token, place, replace(json::text, E'\\n', ' ')
    FROM unnest(jsons) WITH ORDINALITY AS given (json, place);
  RETURN new_token;
END $$ LANGUAGE plpgsql;
CREATE FUNCTION replication_forget(stream_name text, up_to bigint) RETURNS void AS $$
  UPDATE replication_streams SET first = greatest(first, least(up_to, head)) WHERE name = stream_name;
  DELETE FROM replication_rows USING replication_streams
    WHERE stream = name AND name = stream_name AND token <= first;
$$ LANGUAGE sql;
CREATE FUNCTION replication_reset(stream_name text, down_to bigint) RETURNS void AS $$
  UPDATE replication_streams SET head = down_to, first = least(first, down_to) WHERE name = stream_name;
  DELETE FROM replication_rows WHERE stream = stream_name AND token > down_to;
$$ LANGUAGE sql;
CREATE FUNCTION replication_notify() RETURNS trigger AS $$
BEGIN
  PERFORM pg_notify('replication', json_build_array(NEW.name, NEW.first, NEW.head)::text);
  RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER replication_changed AFTER INSERT OR UPDATE ON replication_streams
  FOR EACH ROW EXECUTE FUNCTION replication_notify();
`

/** Batches fetched by one query at most; what the page has no room for is fetched again. */
const batchesAtOnce = 500
const reconnectMs = 1000

/** Options of {@link PostgresSource.open}. */
export interface PostgresSourceOptions {
  /** How to connect; the pool's other options too. */
  readonly database: pg.PoolConfig
  /** The streams to serve, each with a row in `replication_streams`. */
  readonly streams: readonly string[]
  /** Told when the listening connection is lost; it is made again every second. */
  readonly onDisconnect?: (error: Error) => void
  readonly clock?: Clock
}

interface Bounds {
  readonly first: number
  readonly head: number
}

/** Serves rows from PostgreSQL. */
export class PostgresSource implements ReplicationSource, AsyncDisposable {
  readonly streams: readonly string[]
  readonly #options: PostgresSourceOptions
  readonly #clock: Clock
  readonly #pool: pg.Pool
  readonly #bounds = new Map<string, Bounds>()
  readonly #listeners = new Set<(event: SourceEvent) => void>()
  #listening: pg.Client | undefined
  #retry: Timer | undefined
  #isClosed = false

  private constructor(options: PostgresSourceOptions) {
    this.#options = options
    this.streams = options.streams
    this.#clock = options.clock ?? systemClock()
    this.#pool = new pg.Pool(options.database)
    // An idle connection that breaks is replaced by the next query.
    this.#pool.on('error', () => {})
  }

  static async open(options: PostgresSourceOptions): Promise<PostgresSource> {
    const source = new PostgresSource(options)
    try {
      await source.#listen()
      for (const stream of source.streams) source.#boundsOf(stream)
      return source
    } catch (error) {
      await source.close()
      throw error
    }
  }

  head(stream: string): number {
    return this.#boundsOf(stream).head
  }

  first(stream: string): number {
    return this.#boundsOf(stream).first
  }

  subscribe(listener: (event: SourceEvent) => void): Off {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async read(
    stream: string,
    after: number,
    upTo: number,
    limit: { readonly bytes: number; readonly count?: number },
  ): Promise<SourcePage | 'too-old'> {
    const reach = Math.min(upTo, this.head(stream))
    const { rows } = await this.#pool.query<{ token: string; jsons: string[] }>(
      `SELECT token, array_agg(json ORDER BY place) AS jsons FROM replication_rows
       WHERE stream = $1 AND token > $2 AND token <= $3 GROUP BY token ORDER BY token LIMIT $4`,
      [stream, after, reach, batchesAtOnce],
    )
    // After the rows: had some been removed before they were read, this says so.
    const { rows: bounds } = await this.#pool.query<{ first: string }>(
      'SELECT first FROM replication_streams WHERE name = $1',
      [stream],
    )
    if (after < Number(bounds[0]?.first)) return 'too-old'
    const batches = cut(
      rows.map(({ token, jsons }) => ({ token: Number(token), rows: jsons })),
      limit,
    )
    const isLast = batches.length === rows.length && rows.length < batchesAtOnce
    return { batches, to: isLast ? Math.max(after, reach) : (batches.at(-1)?.token ?? after) }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#retry?.cancel()
    this.#listeners.clear()
    await Promise.all([this.#listening?.end(), this.#pool.end()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #listen(): Promise<void> {
    const client = new pg.Client(this.#options.database)
    this.#listening = client
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, new Error('the connection ended')))
    client.on('notification', ({ payload = '[]' }) => {
      const [name, first, head] = JSON.parse(payload) as [string, number, number]
      this.#moved(name, { first, head })
    })
    await client.connect()
    await client.query('LISTEN replication')
    // Only now: what is committed from here on is notified, what was before is seen. Both is harmless.
    const { rows } = await client.query<{ name: string; first: string; head: string }>(
      'SELECT name, first, head FROM replication_streams WHERE name = ANY ($1)',
      [this.streams],
    )
    for (const { name, first, head } of rows) this.#moved(name, { first: Number(first), head: Number(head) })
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#isClosed || this.#listening !== client) return
    this.#listening = undefined
    this.#options.onDisconnect?.(error)
    this.#retry = this.#clock.after(reconnectMs, () => {
      this.#listen().catch((failure: unknown) => {
        const next = this.#listening
        if (next) this.#lost(next, failure instanceof Error ? failure : new Error(String(failure)))
      })
    })
  }

  #moved(stream: string, bounds: Bounds): void {
    if (!this.streams.includes(stream)) return
    const from = this.#bounds.get(stream)?.head
    this.#bounds.set(stream, bounds)
    const to = bounds.head
    if (from === undefined || from === to) return
    const event: SourceEvent =
      to > from ? { kind: 'appended', stream, from, to } : { kind: 'reset', stream, to }
    for (const tell of [...this.#listeners]) tell(event)
  }

  #boundsOf(stream: string): Bounds {
    const bounds = this.#bounds.get(stream)
    if (bounds !== undefined) return bounds
    if (!this.streams.includes(stream)) throw new UnknownStreamError(stream)
    throw new HoldfastError(
      'HF_EXAMPLE_NO_STREAM',
      `replication_streams has no row for ${stream}: insert one`,
    )
  }
}

/** The batches that the limit has room for, at least one. */
function cut(
  batches: readonly RowBatch[],
  { bytes, count = Infinity }: { readonly bytes: number; readonly count?: number },
): RowBatch[] {
  let bytesLeft = bytes
  let rowsLeft = count
  const end = batches.findIndex(({ rows }, index) => {
    rowsLeft -= rows.length
    for (const row of rows) bytesLeft -= Buffer.byteLength(row) + 1
    return index > 0 && (bytesLeft < 0 || rowsLeft < 0)
  })
  return end < 0 ? [...batches] : batches.slice(0, end)
}
