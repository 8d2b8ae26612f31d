import { once } from 'node:events'
import { existsSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresSource, schema } from '../examples/postgres-source.js'
import { PostgresCluster } from '../interop/synapse/postgres-cluster.js'
import type { SourceEvent } from '../src/source/types.js'
import { readAll } from './fixtures/append-log-model.js'

const programs = process.env['HOLDFAST_INTEROP_POSTGRES_BIN'] ?? '/usr/lib/postgresql'
const reason = existsSync(programs) ? '' : ` (skipped: no PostgreSQL programs in ${programs})`

describe.skipIf(reason !== '')(`the example that serves rows from PostgreSQL${reason}`, () => {
  let cluster: PostgresCluster
  let number = 0

  beforeAll(async () => {
    cluster = await PostgresCluster.create()
    await cluster.start()
  }, 60_000)
  afterAll(async () => {
    await cluster.remove()
  })

  /** A source over a new database, and a connection of the application that appends. */
  async function openSource(): Promise<Opened> {
    const { args } = await cluster.createDatabase(`source${number++}`)
    const database = { host: `${args['host']}`, user: `${args['user']}`, database: `${args['database']}` }
    const application = new pg.Client(database)
    await application.connect()
    await application.query(schema)
    await application.query("INSERT INTO replication_streams (name) VALUES ('events'), ('typing')")
    const source = await PostgresSource.open({ database, streams: ['events', 'typing'] })
    return {
      ...{ source, application, database },
      [Symbol.asyncDispose]: async () => {
        await source.close()
        await application.end()
      },
    }
  }

  const append = (client: pg.Client, ...rows: unknown[]) =>
    client.query(`SELECT replication_append('events', VARIADIC $1)`, [rows.map((row) => JSON.stringify(row))])

  it('tells of what is appended, and reads it in whole batches', async () => {
    await using opened = await openSource()
    const { source, application } = opened
    const told = tellings(source, 2)
    await append(application, ['ev', 1], { a: 'b' })
    await append(application, null)
    expect(await told).toEqual([
      { kind: 'appended', stream: 'events', from: 0, to: 1 },
      { kind: 'appended', stream: 'events', from: 1, to: 2 },
    ])
    const all = [
      { token: 1, rows: ['["ev",1]', '{"a":"b"}'] },
      { token: 2, rows: ['null'] },
    ]
    expect(await readAll(source, 'events', 0)).toEqual(all)
    expect(await readAll(source, 'events', 0, { bytes: 1 })).toEqual(all)
    expect(await source.read('events', 2, 9, { bytes: 1 })).toEqual({ batches: [], to: 2 })
  })

  it('reads more than one query fetches', async () => {
    await using opened = await openSource()
    const { source, application } = opened
    const told = tellings(source, 1)
    await application.query(
      "BEGIN; SELECT replication_append('events', to_json(n)) FROM generate_series(1, 1200) n; COMMIT",
    )
    await told
    const last = tellings(source, 1)
    if (source.head('events') < 1200) await last
    expect(await readAll(source, 'events', 0)).toHaveLength(1200)
  })

  it('shows no row above one that is still being written', async () => {
    await using opened = await openSource()
    const { source, application, database } = opened
    await using other = await connect(database)
    await application.query('BEGIN')
    await append(application, 'slow')
    const told = tellings(source, 2)
    const quick = append(other.client, 'quick')
    await application.query('COMMIT')
    await quick
    expect(await told).toMatchObject([{ to: 1 }, { to: 2 }])
    expect(await readAll(source, 'events', 0)).toEqual([
      { token: 1, rows: ['"slow"'] },
      { token: 2, rows: ['"quick"'] },
    ])
  })

  it('says too-old below what was forgotten, and tells of a reset', async () => {
    await using opened = await openSource()
    const { source, application } = opened
    for (let i = 0; i < 4; i++) await append(application, i)
    await application.query("SELECT replication_forget('events', 2)")
    expect(await source.read('events', 1, 4, { bytes: 100 })).toBe('too-old')
    expect(await source.read('events', 2, 4, { bytes: 100 })).toMatchObject({
      batches: [{ token: 3 }, { token: 4 }],
    })
    const told = new Promise<SourceEvent>((resolve) =>
      source.subscribe((event) => event.kind === 'reset' && resolve(event)),
    )
    await application.query("SELECT replication_reset('events', 3)")
    expect(await told).toEqual({ kind: 'reset', stream: 'events', to: 3 })
    expect({ first: source.first('events'), head: source.head('events') }).toEqual({ first: 2, head: 3 })
  })

  it('misses nothing while its listening connection is gone', async () => {
    await using opened = await openSource()
    const { source, application } = opened
    const told = tellings(source, 1)
    await application.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT name, first%' AND datname = current_database()",
    )
    await append(application, 'meanwhile')
    expect(await told).toEqual([{ kind: 'appended', stream: 'events', from: 0, to: 1 }])
    expect(await readAll(source, 'events', 0)).toEqual([{ token: 1, rows: ['"meanwhile"'] }])
  })

  it('refuses streams that it does not have', async () => {
    await using opened = await openSource()
    expect(() => opened.source.head('other')).toThrow('there is no stream "other"')
    const { database } = opened
    await expect(PostgresSource.open({ database, streams: ['other'] })).rejects.toThrow('insert one')
  })
})

interface Opened extends AsyncDisposable {
  readonly source: PostgresSource
  readonly application: pg.Client
  readonly database: pg.ClientConfig
}

async function connect(database: pg.ClientConfig): Promise<{ client: pg.Client } & AsyncDisposable> {
  const client = new pg.Client(database)
  await client.connect()
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      const ended = once(client, 'end')
      await client.end()
      await ended.catch(() => undefined)
    },
  }
}

/** The next so many events. */
function tellings(source: PostgresSource, count: number): Promise<SourceEvent[]> {
  return new Promise((resolve) => {
    const told: SourceEvent[] = []
    const off = source.subscribe((event) => {
      told.push(event)
      if (told.length < count) return
      off()
      resolve(told)
    })
  })
}
