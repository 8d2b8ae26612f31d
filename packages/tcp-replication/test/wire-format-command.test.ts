import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import {
  type Dialect,
  describeCommand,
  encodeCommand,
  encodeInstanceRdata,
  encodeJson,
  encodeRdata,
  formatCommand,
  type KnownCommand,
  LineDecoder,
  maxLineBytes,
  OversizeLineError,
  parseCommand,
  type RdataCommand,
  UnsendableError,
} from '@holdfast/tcp-replication'
import { describe, expect } from 'vitest'
import { plain, synapseFields, vectors } from './vectors/vectors.js'

interface EncodeCase {
  readonly command: string
  readonly fields: Record<string, unknown>
  readonly line: string
  readonly note: string
}

const { encode } = vectors('commands') as { encode: EncodeCase[] }
const rdata = (row: string): RdataCommand => ({ name: 'RDATA', stream: 'x', instance: null, token: 1, row })

/** Which side sends a command. */
const sideOf = ({ name }: KnownCommand) =>
  ['SERVER', 'RDATA', 'POSITION', 'SYNC'].includes(name) ? 'server' : 'client'

function readBack(command: KnownCommand, dialect: Dialect) {
  const { lines, error } = new LineDecoder().push(encodeCommand(command, dialect))
  expect(error).toBeNull()
  expect(lines).toHaveLength(1)
  return parseCommand(lines[0] ?? '', { from: sideOf(command), dialect, mode: 'strict' })
}

describe('lines that Synapse v1.4 wrote', () => {
  test('there are 22 of them', () => {
    expect(encode).toHaveLength(22)
  })

  for (const { command, fields, line, note } of encode) {
    if (line.includes('\n')) {
      test('W2: a line feed in a text is refused', () => {
        const text = String(fields['data'])
        expect(() => formatCommand({ name: 'ERROR', text }, 'D1')).toThrow(UnsendableError)
      })
      continue
    }
    test(`W4: ${JSON.stringify(line)} is written from what it was made of (${note})`, () => {
      const from = ['RDATA', 'POSITION', 'SERVER', 'SYNC'].includes(command) ? 'server' : 'client'
      const parsed = parseCommand(line, { from, dialect: 'D1', mode: 'strict' }) as KnownCommand
      expect(synapseFields(parsed)).toEqual(plain(fields))
      expect(formatCommand(parsed, 'D1').replace(/([,:]) /g, '$1')).toBe(line.replace(/([,:]) /g, '$1'))
    })
  }

  test('S2.3: JSON is ASCII, control characters and astral ones are escaped in lower case', () => {
    const row = ['é', '€', '😀', '"', '\\', '/', '\n', '\b', '\u0000', '\u001f', '\u007f', '\u2028', '\ud83d']
    expect(encodeJson(row)).toBe(
      String.raw`["\u00e9","\u20ac","\ud83d\ude00","\"","\\","/","\n","\b","\u0000","\u001f","\u007f","\u2028","\ud83d"]`,
    )
  })

  test.each([[undefined], [Number.NaN], [[Number.POSITIVE_INFINITY]], [1n], [Symbol('x')]])(
    'H2.3: %s is no JSON and is refused',
    (value) => {
      expect(() => encodeJson(value)).toThrow(UnsendableError)
    },
  )
})

describe('a line that must not be sent', () => {
  test('W2: exactly 16384 bytes may be, one more not, and the error names stream and token', () => {
    const room = maxLineBytes - 'RDATA x 1 '.length
    expect(encodeRdata('x', 1, 'a'.repeat(room))).toHaveLength(maxLineBytes + 1)
    expect(formatCommand(rdata('é'.repeat(room / 2)), 'D1')).toHaveLength(10 + room / 2)
    for (const send of [
      () => encodeRdata('x', 1, 'a'.repeat(room + 1)),
      () => encodeInstanceRdata('x', 'm', 1, 'a'.repeat(room - 1)),
      () => formatCommand(rdata('é'.repeat(room / 2 + 1)), 'D1'),
    ]) {
      expect(send).toThrow(
        expect.objectContaining({
          name: 'OversizeLineError',
          code: 'HF_REPLICATION_OVERSIZE_LINE',
          stream: 'x',
          token: 1,
        }),
      )
    }
  })

  test('W2: other commands have the same limit', () => {
    expect(() => encodeCommand({ name: 'NAME', text: 'x'.repeat(maxLineBytes) }, 'D1')).toThrow(
      OversizeLineError,
    )
  })

  const bad: [string, KnownCommand, Dialect, string][] = [
    ['a stream with a space', { ...rdata('[]'), stream: 'a b' }, 'D1', 'stream'],
    ['a row with a line feed', rdata('[\n]'), 'D1', 'RDATA'],
    ['a token that would be rounded', { ...rdata('[]'), token: 2 ** 53 }, 'D1', 'token'],
    ['a D2 row without its writer', rdata('[]'), 'D2', 'instance'],
    ['a writer that looks like a token', { ...rdata('[]'), instance: '5' }, 'D2', 'instance'],
    ['a writer called batch', { ...rdata('[]'), instance: 'batch' }, 'D2', 'instance'],
    ['SYNC in D2', { name: 'SYNC', text: 'a' }, 'D2', 'name'],
    ['CLEAR_USER_SYNC in D1', { name: 'CLEAR_USER_SYNC', instance: 'a' }, 'D1', 'name'],
    ['a REPLICATE of nothing in D1', { name: 'REPLICATE', stream: null, token: null }, 'D1', 'stream'],
    ['a REPLICATE of a stream in D2', { name: 'REPLICATE', stream: 'events', token: 1 }, 'D2', 'stream'],
    [
      'a push key with a space',
      { name: 'REMOVE_PUSHER', appId: 'a', pushKey: 'b c', user: 'd' },
      'D1',
      'pushKey',
    ],
    ['keys that are no JSON', { name: 'INVALIDATE_CACHE', cache: 'f', keys: undefined }, 'D1', 'json'],
  ]
  test.each(bad)('W4: %s is refused', (_what, command, dialect, field) => {
    expect(() => formatCommand(command, dialect)).toThrow(
      expect.objectContaining({ code: 'HF_REPLICATION_UNSENDABLE', field }),
    )
  })

  test('W4: rows made for sharing are checked alike', () => {
    expect(() => encodeRdata('a b', 1, '[]')).toThrow(UnsendableError)
    expect(() => encodeRdata('a', 0.5, '[]')).toThrow(UnsendableError)
    expect(() => encodeRdata('a', 1, '[\n]')).toThrow(UnsendableError)
    expect(() => encodeInstanceRdata('a', 'b c', 1, '[]')).toThrow(UnsendableError)
  })
})

const word = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replace(/[ \n]/g, '_'))
const text = fc.string({ unit: 'binary', maxLength: 30 }).map((line) => line.replaceAll('\n', '_'))
const integer = fc.maxSafeInteger().map((value) => value + 0)
const writer = word.map((name) => `w${name}`)
const inNoDialect = { instance: fc.constant(null) }
const someText = fc.constantFrom('SERVER', 'PING', 'NAME', 'ERROR', 'REMOTE_SERVER_UP')
const token = fc.oneof(integer, fc.constant('batch' as const))
const row = fc.jsonValue().map(encodeJson)
const both = [
  fc.record({ name: fc.constant('REMOVE_PUSHER'), appId: word, pushKey: word, user: text }),
  fc.record({ name: fc.constant('INVALIDATE_CACHE'), cache: word, keys: fc.array(fc.string()) }),
  fc.record({
    name: fc.constant('USER_IP'),
    user: word,
    accessToken: fc.string(),
    ip: fc.string(),
    userAgent: fc.string(),
    device: fc.option(fc.string()),
    lastSeenMs: integer,
  }),
] as const
const state = fc.constantFrom('start', 'end')
const now = fc.oneof(integer, fc.constant('NOW' as const))

const d1Command = fc.oneof(
  ...both,
  fc.record({ name: fc.constantFrom('SERVER', 'PING', 'NAME', 'ERROR', 'SYNC'), text }),
  fc.record({ name: fc.constant('RDATA'), stream: word, ...inNoDialect, token, row }),
  fc.record({
    name: fc.constant('POSITION'),
    stream: word,
    ...inNoDialect,
    previous: fc.constant(null),
    token: integer,
  }),
  fc.record({ name: fc.constant('REPLICATE'), stream: word, token: now }),
  fc.record({ name: fc.constant('USER_SYNC'), ...inNoDialect, user: word, state, lastSyncMs: integer }),
  fc.record({ name: fc.constant('FEDERATION_ACK'), ...inNoDialect, token: integer }),
) as fc.Arbitrary<KnownCommand>

const d2Command = fc.oneof(
  ...both,
  fc.record({ name: someText, text }),
  fc.record({ name: fc.constant('RDATA'), stream: word, instance: writer, token, row }),
  fc.record({
    name: fc.constant('POSITION'),
    stream: word,
    instance: writer,
    previous: fc.option(integer),
    token: integer,
  }),
  fc.constant({ name: 'REPLICATE', stream: null, token: null }),
  fc.record(
    {
      name: fc.constant('USER_SYNC'),
      instance: writer,
      user: word,
      device: fc.option(writer),
      state,
      lastSyncMs: integer,
    },
    { requiredKeys: ['name', 'instance', 'user', 'state', 'lastSyncMs'] },
  ),
  fc.record({ name: fc.constant('CLEAR_USER_SYNC'), instance: word }),
  fc.record({ name: fc.constant('FEDERATION_ACK'), instance: fc.option(writer), token: integer }),
) as fc.Arbitrary<KnownCommand>

describe('what is written can be read', () => {
  test.prop([d1Command], { numRuns: 500 })('W4: every D1 command comes back as it was', (command) => {
    expect(readBack(command, 'D1')).toEqual(command)
  })

  test.prop([d2Command], { numRuns: 500 })('W14.2: every D2 command comes back as it was', (command) => {
    expect(readBack(command, 'D2')).toEqual(command)
  })

  test.prop([word, writer, token, row])(
    'W4: a row made once is the bytes that the command makes',
    (stream, instance, at, json) => {
      const command: RdataCommand = { name: 'RDATA', stream, instance, token: at, row: json }
      expect(encodeRdata(stream, at, json)).toEqual(encodeCommand(command, 'D1'))
      expect(encodeInstanceRdata(stream, instance, at, json)).toEqual(encodeCommand(command, 'D2'))
    },
  )

  test('W2.3: a row passes as it is, whatever its spaces', () => {
    expect(Buffer.from(encodeRdata('caches', 'batch', '["é", [ ]]')).toString()).toBe(
      'RDATA caches batch ["é", [ ]]\n',
    )
  })
})

describe('a command in a log', () => {
  const secret = 'syt_secret'
  const commands: [KnownCommand, string][] = [
    [{ ...rdata(`["f",["${secret}"],1]`), instance: 'master' }, 'RDATA x master 1 (22 characters)'],
    [{ name: 'POSITION', stream: 'x', instance: 'master', previous: 4, token: 5 }, 'POSITION x master 4 5'],
    [{ name: 'REPLICATE', stream: null, token: null }, 'REPLICATE'],
    [{ name: 'REPLICATE', stream: 'events', token: 'NOW' }, 'REPLICATE events NOW'],
    [{ name: 'USER_SYNC', instance: null, user: '@a:x', state: 'end', lastSyncMs: 5 }, 'USER_SYNC @a:x end'],
    [{ name: 'CLEAR_USER_SYNC', instance: 'abcde' }, 'CLEAR_USER_SYNC abcde'],
    [{ name: 'FEDERATION_ACK', instance: null, token: 5 }, 'FEDERATION_ACK 5'],
    [
      { name: 'REMOVE_PUSHER', appId: 'a', pushKey: secret, user: '@a:x' },
      'REMOVE_PUSHER a (push key withheld) @a:x',
    ],
    [{ name: 'INVALIDATE_CACHE', cache: 'f', keys: [secret] }, 'INVALIDATE_CACHE f (keys withheld)'],
    [
      {
        name: 'USER_IP',
        user: '@a:x',
        accessToken: secret,
        ip: '1.2.3.4',
        userAgent: 'UA',
        device: null,
        lastSeenMs: 1,
      },
      'USER_IP @a:x (details withheld)',
    ],
    [{ name: 'PING', text: '1' }, 'PING 1'],
  ]
  test.each(commands)('H4.3: %o tells no secret', (command, line) => {
    expect(describeCommand(command)).toBe(line)
  })

  test('H4.3: an unknown command is named, its arguments are withheld', () => {
    expect(describeCommand({ name: 'UNKNOWN', command: 'FOO', args: secret })).toBe(
      'FOO (unknown, 10 characters)',
    )
  })

  test('is short, whatever the peer sent', () => {
    expect(describeCommand({ name: 'ERROR', text: 'x'.repeat(10_000) }).length).toBeLessThan(210)
  })
})
