import { formatCommand, ProtocolError, parseCommand } from '@holdfast/tcp-replication'
import { describe, expect, test } from 'vitest'
import { plain, synapseFields, vectors } from './vectors/vectors.js'

interface Case {
  readonly line: string
  readonly name?: string
  readonly fields?: Record<string, unknown>
  readonly reencoded?: string
}
interface Version {
  readonly version: string
  readonly server: readonly string[]
  readonly client: readonly string[]
  readonly cases: readonly Case[]
}

const { versions } = vectors('later-commands') as { versions: Version[] }
const dialectOfVersion = ({ version }: Version) => (/^v(0\.|1\.([0-9]|1[0-2])\.)/.test(version) ? 'D1' : 'D2')

/** Came after the last version with direct TCP: values, not commands. */
const afterTcp = new Set(['LOCK_RELEASED', 'NEW_ACTIVE_TASK', 'CANCEL_TASK'])
/** Not JSON, which in lenient mode only shows when the row is read. */
const unreadRows = new Set(['RDATA x master 3 [NaN]'])

const compact = (line: string) => line.replace(/([,:]) /g, '$1')
const nameOf = (line: string) => line.split(' ')[0] ?? ''

for (const dialect of ['D1', 'D2'] as const) {
  const ofDialect = versions.filter((version) => dialectOfVersion(version) === dialect)
  const lines = [...new Set(ofDialect.flatMap(({ cases }) => cases.map(({ line }) => line)))]

  describe(`${dialect}: ${ofDialect.map(({ version }) => version).join(', ')}`, () => {
    test('there are 41 lines', () => {
      expect(lines).toHaveLength(41)
    })

    for (const line of lines) {
      const name = nameOf(line)
      const from = ofDialect.some(({ server }) => server.includes(name)) ? 'server' : 'client'
      const parsed = parseCommand(line, { from, dialect })
      const readings = ofDialect.flatMap(({ version, cases }) =>
        cases.filter((recorded) => recorded.line === line).map((recorded) => ({ version, ...recorded })),
      )
      const understood = readings.filter((reading) => reading.fields !== undefined)

      if (afterTcp.has(name)) {
        test(`H14.1: ${JSON.stringify(line)} of a server is an unknown command`, () => {
          expect(parseCommand(line, { from: 'server', dialect })).toMatchObject({
            name: 'UNKNOWN',
            command: name,
          })
        })
      } else if (understood.length > 0) {
        test(`W14.2: ${JSON.stringify(line)} is read as by each version that reads it`, () => {
          expect(parsed).not.toBeNull()
          expect(parsed).not.toBeInstanceOf(ProtocolError)
          if (parsed === null || parsed instanceof ProtocolError || parsed.name === 'UNKNOWN') return
          for (const { name: recordedName, fields, reencoded = '' } of understood) {
            expect(parsed.name).toBe(recordedName)
            expect(compact(formatCommand(parsed, dialect))).toBe(compact(reencoded))
            if (!unreadRows.has(line)) expect(synapseFields(parsed)).toEqual(plain(fields))
          }
        })
      } else {
        test(`W14.2: ${JSON.stringify(line)} is read by no version`, () => {
          const nobodys = parseCommand(line, { from: 'client', dialect })
          if (line === '') expect(nobodys).toBeNull()
          else if (line === 'PING') expect(nobodys).toEqual({ name: 'PING', text: '' })
          else expect(nobodys).toBeInstanceOf(ProtocolError)
        })
      }
    }

    test('W3: each version lets the sides send what is accepted of them', () => {
      for (const { server, client } of ofDialect) {
        for (const [from, names] of [['server', server] as const, ['client', client] as const]) {
          for (const name of names.filter((known) => !afterTcp.has(known))) {
            expect(parseCommand(`${name} `, { from, dialect })).not.toMatchObject({
              code: 'HF_REPLICATION_INVALID_COMMAND',
            })
          }
        }
      }
    })
  })
}

describe('D2', () => {
  test('S14.2: a line without a space is fine in strict mode, too', () => {
    expect(parseCommand('REPLICATE', { from: 'client', dialect: 'D2', mode: 'strict' })).toEqual({
      name: 'REPLICATE',
      stream: null,
      token: null,
    })
  })

  test('S14.2: blank lines are refused in strict mode', () => {
    expect(parseCommand('', { from: 'client', dialect: 'D2', mode: 'strict' })).toBeInstanceOf(ProtocolError)
  })

  test.each([
    'POSITION events',
    'POSITION events master',
    'POSITION events master 1 2 3',
    'RDATA events',
    'RDATA x y',
  ])('W14.2: %j has bad arguments', (line) => {
    expect(parseCommand(line, { from: 'server', dialect: 'D2' })).toMatchObject({
      code: 'HF_REPLICATION_BAD_ARGUMENTS',
    })
  })

  test('S2.2: white space after the last number is forgiven in every form', () => {
    const read = (line: string) => parseCommand(line, { from: 'server', dialect: 'D2', mode: 'strict' })
    expect(read('POSITION events master 5 \r')).toEqual(read('POSITION events master 5'))
    expect(read('POSITION events master 4 5 \r')).toEqual(read('POSITION events master 4 5'))
  })
})
