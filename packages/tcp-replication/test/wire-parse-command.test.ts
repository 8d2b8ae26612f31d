import {
  type Command,
  formatCommand,
  type KnownCommand,
  ProtocolError,
  parseCommand,
} from '@holdfast/tcp-replication'
import { describe, expect, test } from 'vitest'
import { plain, synapseFields, vectors } from './vectors/vectors.js'

type ParseCase =
  | { line: string; result: 'drop' }
  | { line: string; result: 'invalid'; errorReply: string }
  | ({ line: string; name: string; fromServer: boolean; fromClient: boolean } & (
      | { result: 'ok'; fields: Record<string, unknown>; reencoded: string }
      | { result: 'error'; errorReply: string }
    ))

const { parse: cases } = vectors('commands') as { parse: ParseCase[] }
const sides = ['server', 'client'] as const

/** Accepted by Synapse of 2019, refused here, and why. */
const refused: Readonly<Record<string, string>> = {
  'REPLICATE events 1_000': 'H2.2: underscores',
  'REPLICATE events ٥٣': 'H2.2: digits of other scripts',
  'REPLICATE events 9007199254740993': 'H2.2: would be rounded',
  'RDATA x 3 [NaN, Infinity, -Infinity]': 'H2.3: not JSON',
  'USER_IP @u:x {"a":1,"b":2,"c":3,"d":4,"e":5}': 'S4.3: five keys are no details',
}

function strict(line: string, from: 'server' | 'client') {
  return parseCommand(line, { from, dialect: 'D1', mode: 'strict' })
}

function lenient(line: string, from: 'server' | 'client', dialect: 'D1' | 'D2' = 'D1') {
  return parseCommand(line, { from, dialect })
}

function accepted(parsed: Command | ProtocolError | null): KnownCommand {
  if (parsed === null || parsed instanceof ProtocolError || parsed.name === 'UNKNOWN') {
    throw new Error(`not accepted: ${JSON.stringify(parsed)}`)
  }
  return parsed
}

describe('strict: what Synapse v1.4 made of a line', () => {
  test('there are 126 recorded lines', () => {
    expect(cases).toHaveLength(126)
  })

  for (const recorded of cases) {
    const shown = JSON.stringify(recorded.line)
    for (const from of sides) {
      if (recorded.result === 'drop') {
        test(`S2.1: ${shown} from the ${from} breaks the protocol`, () => {
          expect(strict(recorded.line, from)).toMatchObject({
            code: 'HF_REPLICATION_BAD_ARGUMENTS',
            command: null,
          })
        })
      } else if (recorded.result === 'invalid') {
        test(`W3: ${shown} from the ${from} is no command`, () => {
          expect(strict(recorded.line, from)).toMatchObject({
            code: 'HF_REPLICATION_INVALID_COMMAND',
            errorText: recorded.errorReply,
          })
        })
      } else if (!(from === 'server' ? recorded.fromServer : recorded.fromClient)) {
        test(`W3: ${shown} may not come from the ${from}`, () => {
          expect(strict(recorded.line, from)).toMatchObject({
            code: 'HF_REPLICATION_INVALID_COMMAND',
            errorText: `invalid command: ${recorded.name}`,
          })
        })
      } else if (recorded.result === 'error' || recorded.line in refused) {
        test(`W4: ${shown} has bad arguments ${refused[recorded.line] ?? ''}`, () => {
          const error = strict(recorded.line, from)
          expect(error).toMatchObject({ code: 'HF_REPLICATION_BAD_ARGUMENTS', command: recorded.name })
          expect((error as ProtocolError).errorText).toMatch(`failed to parse line for  '${recorded.name}': `)
        })
      } else {
        test(`W4: ${shown} is understood and written again`, () => {
          const command = accepted(strict(recorded.line, from))
          expect(command.name).toBe(recorded.name)
          expect(synapseFields(command)).toEqual(plain(recorded.fields))
          const again = accepted(strict(formatCommand(command, 'D1'), from))
          expect(again).toEqual(command)
          expect(synapseFields(again)).toEqual(plain(recorded.fields))
          if (command.name !== 'RDATA') {
            expect(formatCommand(command, 'D1')).toBe(recorded.reencoded.replaceAll(', ', ','))
          }
        })
      }
    }
  }

  test('S14.1: REMOTE_SERVER_UP, which is younger, is no command', () => {
    expect(strict('REMOTE_SERVER_UP x', 'server')).toMatchObject({ code: 'HF_REPLICATION_INVALID_COMMAND' })
  })
})

describe('lenient: what is forgiven', () => {
  test.each(['', ' ', '\r', ' \t '])('H2: the blank line %j is ignored', (line) => {
    expect(sides.map((from) => lenient(line, from))).toEqual([null, null])
  })

  test('H2.1: a missing space is empty arguments', () => {
    expect(lenient('PING', 'client')).toEqual({ name: 'PING', text: '' })
    expect(lenient('REPLICATE', 'client')).toMatchObject({ code: 'HF_REPLICATION_BAD_ARGUMENTS' })
  })

  test('H13: one carriage return at the end is stripped', () => {
    expect(lenient('REPLICATE events NOW\r', 'client')).toEqual({
      name: 'REPLICATE',
      stream: 'events',
      token: 'NOW',
    })
    expect(lenient('PING 1\r\r', 'client')).toEqual({ name: 'PING', text: '1\r' })
  })

  test('the row of an RDATA is not looked at', () => {
    expect(lenient('RDATA events 54 ["$foo1:bar.com", ...]', 'server')).toEqual({
      name: 'RDATA',
      stream: 'events',
      instance: null,
      token: 54,
      row: '["$foo1:bar.com", ...]',
    })
  })

  test('H14: a command that a newer server may send is a value', () => {
    expect(lenient('NEW_ACTIVE_TASK a b', 'server')).toEqual({
      name: 'UNKNOWN',
      command: 'NEW_ACTIVE_TASK',
      args: 'a b',
    })
  })

  test.each(['foo x', ' PING 1', 'F%O x', '{"json": true}'])('W3: %j is no command of anybody', (line) => {
    for (const from of sides) {
      expect(lenient(line, from)).toMatchObject({ code: 'HF_REPLICATION_INVALID_COMMAND' })
    }
  })

  test('W3: a client that sends an unknown command is refused', () => {
    expect(lenient('FOO x', 'client')).toMatchObject({
      code: 'HF_REPLICATION_INVALID_COMMAND',
      errorText: 'invalid command: FOO',
    })
  })

  for (const recorded of cases) {
    if (recorded.result !== 'ok' || recorded.line in refused || recorded.line.endsWith('\r')) continue
    test(`W4: ${JSON.stringify(recorded.line)} means the same as in strict mode`, () => {
      const from = recorded.fromServer ? 'server' : 'client'
      expect(lenient(recorded.line, from)).toEqual(strict(recorded.line, from))
    })
  }
})

describe('the numbers of a line', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['+7', 7],
    [' 007 ', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ])('H2.2: %j is %d', (text, value) => {
    expect(lenient(`FEDERATION_ACK ${text}`, 'client')).toEqual({
      name: 'FEDERATION_ACK',
      instance: null,
      token: value,
    })
  })

  test.each(['9007199254740992', '-9007199254740992', '1'.repeat(400)])(
    'H2.2: %s is never rounded',
    (text) => {
      expect(lenient(`FEDERATION_ACK ${text}`, 'client')).toMatchObject({
        code: 'HF_REPLICATION_BAD_ARGUMENTS',
        errorText: expect.stringContaining('integer beyond 2^53-1') as string,
      })
    },
  )
})

describe('the text of an ERROR', () => {
  test('H4.3: does not repeat an access token, a push key, a cache key or a row', () => {
    const lines = [
      'USER_IP @u:x ["secret","1.2.3.4","UA","DEV"]',
      'USER_IP @u:x ["secret"',
      'INVALIDATE_CACHE get_user_by_access_token ["secret"',
      'REMOVE_PUSHER secret',
    ]
    const errors = lines.map((line) => lenient(line, 'client') as ProtocolError)
    for (const error of [...errors, strict('RDATA caches 1 ["f",["secret"', 'server') as ProtocolError]) {
      expect(error.code).toBe('HF_REPLICATION_BAD_ARGUMENTS')
      expect(`${error.errorText} ${error.message} ${String(error.stack)}`).not.toContain('secret')
    }
  })

  test('W2: fits into a line, whatever it answers', () => {
    const long = 'X'.repeat(16_384)
    for (const line of [long, `REPLICATE ${long}`, `POSITION ${long} x`]) {
      const error = lenient(line, 'client') as ProtocolError
      expect(error).toBeInstanceOf(ProtocolError)
      expect(formatCommand({ name: 'ERROR', text: error.errorText }, 'D1').length).toBeLessThan(400)
    }
  })
})
