import { fc, test } from '@fast-check/vitest'
import {
  batchUpdates,
  decodeRow,
  decodeRowValue,
  encodeRow,
  isKnownStream,
  type RowReading,
  registeredStreams,
  type StreamName,
  type StreamRows,
  UnsendableError,
} from '@holdfast/tcp-replication'
import { describe, expect } from 'vitest'
import { readRow, vectors } from './vectors/vectors.js'

interface RowCase {
  readonly stream: string
  readonly row: unknown
  readonly parsed?: Record<string, unknown>
  readonly error?: string
}
interface RowVectors {
  readonly streamsInRegistryOrder: readonly string[]
  readonly limited: Readonly<Record<string, boolean>>
  readonly rows: readonly RowCase[]
  readonly federationQueue: Readonly<Record<string, readonly (readonly [unknown, unknown])[]>>
}

const recorded = vectors('rows') as RowVectors

/** Synapse refuses these, Holdfast reads them: longer rows, and forms of other versions (14.1). */
const readHere: Readonly<Record<string, unknown>> = {
  '["ev",["a","b","c","d","e","f","g"]]': { kind: 'row', extra: 1 },
  '["@u:x","!r:x","my.type"]': { kind: 'row', row: { userId: '@u:x', roomId: '!r:x', dataType: 'my.type' } },
  '["@u:x"]': { kind: 'row', stream: 'user_signature' },
  '["x"]': { kind: 'unknown-stream', stream: 'nosuch', value: ['x'] },
}

/** A recorded row object in our words: camel case, parsed JSON text, kinds instead of nested rows. */
function inOurWords({ stream, parsed }: RowCase): unknown {
  if (!parsed) return undefined
  const { type, data, ...members } = parsed
  if (stream === 'federation') return { kind: type, data }
  if (stream === 'events') {
    return { kind: type, ...camel(data as Record<string, unknown>) }
  }
  const named = camel({
    ...members,
    ...(type === undefined ? {} : { type }),
    ...(data === undefined ? {} : { data }),
  })
  if (stream === 'device_lists') return { entity: named['userId'], destination: named['destination'] }
  if (stream.endsWith('account_data')) return { ...named, data: JSON.parse(String(data)) as unknown }
  return named
}

function camel(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members)
      // The name of a Python class.
      .filter(([key]) => key !== '__row__')
      .map(([key, value]) => [key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), value]),
  )
}

function row<Name extends StreamName>(stream: Name, value: unknown): StreamRows[Name] {
  const reading = readRow(stream, value)
  if (reading.kind !== 'row') throw new Error(JSON.stringify(reading))
  return reading.row as StreamRows[Name]
}

const reason = (reading: RowReading) => (reading.kind === 'malformed' ? reading.error.reason : reading.kind)

describe('the streams of v1.4', () => {
  test('W9.1: come in the order of the registry', () => {
    expect(registeredStreams.map(({ name }) => name)).toEqual(recorded.streamsInRegistryOrder)
  })

  test('W9.1: are limited as they were', () => {
    expect(Object.fromEntries(registeredStreams.map(({ name, limited }) => [name, limited]))).toEqual(
      recorded.limited,
    )
  })

  test('W9.1: names of objects are no streams', () => {
    expect(['events', 'user_signature', 'nosuch', 'constructor', '__proto__'].map(isKnownStream)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('rows that Synapse v1.4 parsed', () => {
  test('there are 41 of them', () => {
    expect(recorded.rows).toHaveLength(41)
  })

  for (const rowCase of recorded.rows) {
    const json = JSON.stringify(rowCase.row)
    const reading = readRow(rowCase.stream, rowCase.row)
    if (rowCase.parsed) {
      test(`W9.2: ${rowCase.stream} ${json} is a row, and written as it was`, () => {
        expect(reading).toEqual({ kind: 'row', stream: rowCase.stream, row: inOurWords(rowCase), extra: 0 })
        const name = rowCase.stream as StreamName
        const written = encodeRow(name, row(name, rowCase.row))
        expect(readRow(name, JSON.parse(written))).toEqual(reading)
        if (!rowCase.stream.endsWith('account_data')) expect(written).toBe(json)
      })
    } else if (json in readHere) {
      test(`H14.1: ${rowCase.stream} ${json} is read although v1.4 did not`, () => {
        expect(reading).toMatchObject(readHere[json] as object)
      })
    } else {
      test(`H13.9: ${rowCase.stream} ${json} is an error for the application`, () => {
        expect(reading).toMatchObject({
          kind: 'malformed',
          stream: rowCase.stream,
          error: { code: 'HF_REPLICATION_BAD_ROW', stream: rowCase.stream },
        })
      })
    }
  }

  const queued = Object.entries(recorded.federationQueue).filter(([name]) => name.includes('rows('))
  test.each(queued)('W9.2: the federation queue’s %s are rows, and written as they were', (_name, rows) => {
    for (const [, value] of rows) {
      expect(readRow('federation', value)).toMatchObject({ kind: 'row', extra: 0 })
      expect(encodeRow('federation', row('federation', value))).toBe(JSON.stringify(value))
    }
  })

  test('S9.2: rows of the federation queue have a token each, so none is a batch', () => {
    const rows = (recorded.federationQueue['rows(0,current)'] ?? []) as [number, unknown][]
    const updates = rows.map(([token, value]) => ({ token, row: value }))
    expect(batchUpdates(updates)).toEqual(updates)
  })
})

describe('rows of later versions', () => {
  const event = ['$e:x', '!r:x', 'm.room.member', '@u:x', null, null]
  const later: [string, StreamName, unknown, unknown][] = [
    ['v1.23', 'events', ['ev', [...event, 'join', false]], { membership: 'join', rejected: false }],
    ['v1.64', 'events', ['ev', [...event, null, true, false]], { rejected: true, outlier: false }],
    ['v1.96', 'events', ['state-all', ['!r:x']], { kind: 'state-all', roomId: '!r:x' }],
    ['v1.7', 'account_data', ['@u:x', null, 't'], { userId: '@u:x', roomId: null, dataType: 't' }],
    ['v1.9', 'caches', ['f', null, 1], { cacheFunc: 'f', keys: null }],
    ['v1.13', 'device_lists', ['other.example'], { entity: 'other.example' }],
    ['v1.76', 'device_lists', ['@u:x', true], { entity: '@u:x', isSignature: true }],
    ['v1.110', 'device_lists', ['@u:x', false, true], { isSignature: false, hostsCalculated: true }],
    ['v1.69', 'receipts', ['!r', 'm.read', '@u', '$e', '$t', { ts: 1 }], { threadId: '$t', data: { ts: 1 } }],
    ['v1.69', 'receipts', ['!r', 'm.read', '@u', '$e', null, { ts: 1 }], { threadId: null }],
    ['v1.6', 'user_signature', ['@u:x'], { userId: '@u:x' }],
    ['v1.33', 'presence_federation', ['x', '@u:y'], { destination: 'x', userId: '@u:y' }],
    ['v1.74', 'un_partial_stated_room', ['!r:x'], { roomId: '!r:x' }],
    ['v1.75', 'un_partial_stated_event', ['$e', true], { eventId: '$e', rejectionStatusChanged: true }],
    ['v1.135', 'thread_subscriptions', ['@u', '!r', '$e'], { userId: '@u', roomId: '!r', eventId: '$e' }],
    ['v1.148', 'sticky_events', ['!r', '$e'], { roomId: '!r', eventId: '$e' }],
    ['v1.152', 'quarantined_media', ['x', 'm', true], { origin: 'x', mediaId: 'm', quarantined: true }],
    ['v1.163', 'profile_updates', ['@u', 'update', ['avatar_url']], { affectedFields: ['avatar_url'] }],
    ['v1.163', 'profile_updates', ['@u', 'left_room', null], { action: 'left_room', affectedFields: null }],
  ]
  test.each(later)('W14.1: from %s on, %s has %j', (_version, stream, value, members) => {
    expect(readRow(stream, value)).toMatchObject({ kind: 'row', row: members, extra: 0 })
    expect(JSON.parse(encodeRow(stream, row(stream, value)))).toEqual(value)
  })

  test('H14.1: members that a newer version added are ignored and counted', () => {
    expect(readRow('typing', ['!r:x', [], 'new', 'newer'])).toEqual({
      kind: 'row',
      stream: 'typing',
      row: { roomId: '!r:x', userIds: [] },
      extra: 2,
    })
    expect(readRow('events', ['state', ['!r', 't', '', null, 'new'], 'newer'])).toMatchObject({ extra: 2 })
    expect(readRow('federation', ['d', { destination: 'x' }, 'new'])).toMatchObject({ extra: 1 })
  })

  test('W9.2: a federation row of an unknown type is a value, to be skipped by itself', () => {
    const reading = readRow('federation', ['zz', { a: 1 }])
    expect(reading).toMatchObject({ kind: 'row', row: { kind: 'unknown', type: 'zz', data: { a: 1 } } })
    expect(encodeRow('federation', { kind: 'unknown', type: 'zz', data: { a: 1 } })).toBe('["zz",{"a":1}]')
  })

  test('H9.2: SQLite’s 0 and 1 are booleans', () => {
    expect(row('public_rooms', ['!r:x', 1, null, null]).visibility).toBe(true)
    expect(row('pushers', ['@u:x', 'a', 'k', 0]).deleted).toBe(false)
  })

  test('W9.2: account data and tags are JSON text within the JSON', () => {
    expect(row('tag_account_data', ['@u:x', '!r:x', '{"m.favourite": {"order": 0.5}}']).data).toEqual({
      'm.favourite': { order: 0.5 },
    })
    expect(encodeRow('account_data', { userId: '@u:x', roomId: null, dataType: 't', data: { a: 'é' } })).toBe(
      String.raw`["@u:x",null,"t","{\"a\":\"\\u00e9\"}"]`,
    )
  })
})

describe('a row that cannot be understood', () => {
  const bad: [string, string, string][] = [
    ['no JSON', 'typing', '["!r:x", [...]]'],
    ['nothing', 'typing', ''],
    ['NaN', 'caches', '["f", [], NaN]'],
  ]
  test.each(bad)('H13.9: %s is an error of the JSON', (_what, stream, text) => {
    expect(reason(decodeRow(stream, text))).toBe('json')
  })

  test('H13.9: no JSON is an error of an unknown stream, too', () => {
    expect(reason(decodeRow('nosuch', '['))).toBe('json')
  })

  const shapes: [string, string, unknown, string][] = [
    ['an object', 'typing', { roomId: '!r:x' }, 'shape'],
    ['too short', 'presence', ['@u:x', 'online'], 'shape'],
    ['a string where a list should be', 'typing', ['!r:x', '@u:x'], 'members'],
    ['keys that are no strings', 'caches', ['f', [1], 1], 'members'],
    ['tags that are no JSON text', 'tag_account_data', ['@u:x', '!r:x', '{'], 'members'],
    ['tags that are no object', 'tag_account_data', ['@u:x', '!r:x', '[]'], 'members'],
    ['account data that is no text, not the shorter form', 'account_data', ['@u', null, 't', {}], 'members'],
    ['a receipt without an object', 'receipts', ['!r', 'm.read', '@u', '$e', null], 'members'],
    ['a kind of event that is not known', 'events', ['other', ['x']], 'type'],
    ['a federation row whose type is no text', 'federation', [1, {}], 'type'],
    [
      'an EDU without content',
      'federation',
      ['e', { origin: 'x', destination: 'y', edu_type: 'z' }],
      'members',
    ],
    ['a boolean that is none', 'pushers', ['@u:x', 'a', 'k', 2], 'members'],
  ]
  test.each(shapes)('H13.9: %s is an error', (_what, stream, value, expected) => {
    expect(reason(readRow(stream, value))).toBe(expected)
  })

  test('H4.3: the error does not repeat the row, which may hold an access token', () => {
    const reading = readRow('caches', ['get_user_by_access_token', ['secret', 1], 1])
    expect(reason(reading)).toBe('members')
    if (reading.kind === 'malformed')
      expect(`${reading.error.message} ${String(reading.error.cause)}`).not.toContain('secret')
  })

  test('W14.3: rows that came as values are read alike', () => {
    expect(decodeRowValue('typing', ['!r:x', []])).toEqual(decodeRow('typing', '["!r:x",[]]'))
  })
})

describe('a row that must not be sent', () => {
  test('W9.2: is refused when a member has the wrong type', () => {
    const wrong = { roomId: '!r:x', userIds: 'nobody' } as unknown as StreamRows['typing']
    expect(() => encodeRow('typing', wrong)).toThrow(UnsendableError)
  })

  test('W14.1: is refused when its members are those of no version', () => {
    const mixed = { entity: '@u:x', destination: null, isSignature: true }
    expect(() => encodeRow('device_lists', mixed)).toThrow(UnsendableError)
  })

  test('H2.3: is refused when JSON cannot say it', () => {
    const row = { cacheFunc: 'f', keys: [], invalidationTs: Number.NaN }
    expect(() => encodeRow('caches', row)).toThrow(UnsendableError)
  })
})

const text = fc.string({ maxLength: 10 })
const nullable = fc.option(text)
// JSON writes -0 as 0.
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const object = fc.dictionary(text, json)
const number = fc.integer()
const presence = fc.record({
  user_id: text,
  state: text,
  last_active_ts: number,
  last_federation_update_ts: number,
  last_user_sync_ts: number,
  status_msg: nullable,
  currently_active: fc.boolean(),
})
const edu = fc.record({ origin: text, destination: text, edu_type: text, content: object })
const event = {
  eventId: text,
  roomId: text,
  type: text,
  stateKey: nullable,
  redacts: nullable,
  relatesTo: nullable,
}
const since123 = { ...event, membership: nullable, rejected: fc.boolean() }

const rows: { readonly [Name in StreamName]: fc.Arbitrary<StreamRows[Name]> } = {
  events: fc.oneof(
    fc.record({ kind: fc.constant('ev'), ...event }),
    fc.record({ kind: fc.constant('ev'), ...since123 }),
    fc.record({ kind: fc.constant('ev'), ...since123, outlier: fc.boolean() }),
    fc.record({ kind: fc.constant('state'), roomId: text, type: text, stateKey: text, eventId: nullable }),
    fc.record({ kind: fc.constant('state-all'), roomId: text }),
  ),
  backfill: fc.record(event),
  presence: fc.record({
    userId: text,
    state: text,
    lastActiveTs: number,
    lastFederationUpdateTs: number,
    lastUserSyncTs: number,
    statusMsg: nullable,
    currentlyActive: fc.boolean(),
  }),
  typing: fc.record({ roomId: text, userIds: fc.array(text) }),
  receipts: fc.oneof(
    fc.record({ roomId: text, receiptType: text, userId: text, eventId: text, data: object }),
    fc.record({
      roomId: text,
      receiptType: text,
      userId: text,
      eventId: text,
      threadId: nullable,
      data: object,
    }),
  ),
  push_rules: fc.record({ userId: text }),
  pushers: fc.record({ userId: text, appId: text, pushkey: text, deleted: fc.boolean() }),
  caches: fc.record({ cacheFunc: text, keys: fc.option(fc.array(text)), invalidationTs: number }),
  public_rooms: fc.record({
    roomId: text,
    visibility: fc.boolean(),
    appserviceId: nullable,
    networkId: nullable,
  }),
  device_lists: fc.oneof(
    fc.record({ entity: text }),
    fc.record({ entity: text, destination: nullable }),
    fc.record({ entity: text, isSignature: fc.boolean() }),
    fc.record({ entity: text, isSignature: fc.boolean(), hostsCalculated: fc.boolean() }),
  ),
  to_device: fc.record({ entity: text }),
  federation: fc.oneof(
    fc.record({ kind: fc.constant('p'), data: presence }),
    fc.record({ kind: fc.constant('pd'), data: fc.record({ state: presence, dests: fc.array(text) }) }),
    fc.record({ kind: fc.constant('k'), data: fc.record({ key: fc.array(text), edu }) }),
    fc.record({ kind: fc.constant('e'), data: edu }),
    fc.record({ kind: fc.constant('d'), data: fc.record({ destination: text }) }),
    fc.record({ kind: fc.constant('unknown'), type: fc.constant('zz'), data: json }),
  ),
  tag_account_data: fc.record({ userId: text, roomId: text, data: object }),
  account_data: fc.oneof(
    fc.record({ userId: text, roomId: nullable, dataType: text }),
    fc.record({ userId: text, roomId: nullable, dataType: text, data: json }),
  ),
  groups: fc.record({ groupId: text, userId: text, type: text, content: object }),
  user_signature: fc.record({ userId: text }),
  presence_federation: fc.record({ destination: text, userId: text }),
  un_partial_stated_room: fc.record({ roomId: text }),
  un_partial_stated_event: fc.record({ eventId: text, rejectionStatusChanged: fc.boolean() }),
  thread_subscriptions: fc.record({ userId: text, roomId: text, eventId: text }),
  sticky_events: fc.record({ roomId: text, eventId: text }),
  quarantined_media: fc.record({ origin: nullable, mediaId: text, quarantined: fc.boolean() }),
  profile_updates: fc.record({
    userId: text,
    action: text,
    affectedFields: fc.option(fc.array(text)),
  }),
}

describe('what is written can be read', () => {
  for (const stream of Object.keys(rows) as StreamName[]) {
    test.prop([rows[stream]])(`W9.2: every row of ${stream} comes back as it was, in ASCII`, (written) => {
      const line = encodeRow(stream, written as never)
      expect(line).toMatch(/^[ -~]*$/)
      expect(decodeRow(stream, line)).toEqual({ kind: 'row', stream, row: written, extra: 0 })
    })
  }
})
