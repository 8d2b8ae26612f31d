import { Buffer } from 'node:buffer'
import {
  decodeRow,
  encodeCommand,
  formatCommand,
  type KnownCommand,
  LineDecoder,
  ProtocolError,
  parseCommand,
  type RdataCommand,
  registeredStreams,
} from '@holdfast/tcp-replication'
import { describe, expect, test } from 'vitest'
import { recordedLines, vectors } from './vectors/vectors.js'

/** Everything that may be sent and that we know. */
function read(line: string, from: 'server' | 'client', dialect: 'D1' | 'D2'): KnownCommand {
  const parsed = parseCommand(line, { from, dialect })
  if (parsed === null || parsed instanceof ProtocolError || parsed.name === 'UNKNOWN') {
    throw new Error(`${line}: ${JSON.stringify(parsed)}`)
  }
  return parsed
}

const recordings = [
  ['live-v1.4.0', 'D1', 570],
  ['unit-tests-v1.4.0', 'D1', 150],
  ['live-v1.66.0', 'D2', 120],
] as const

describe.each(recordings)('recorded between real peers: %s', (name, dialect, atLeast) => {
  const lines = recordedLines(vectors(name))

  test('has lines', () => {
    expect(lines.length).toBeGreaterThan(atLeast)
  })

  test('W4: every line is understood, and comes out as it went in', () => {
    for (const { from, line } of lines) {
      const written = formatCommand(read(line, from, dialect), dialect)
      // JSON that was read is written compactly; rows pass untouched.
      if (line.startsWith('USER_IP ')) expect(written).toBe(line.replaceAll(', ', ','))
      else if (line === 'REPLICATE') expect(written).toBe('REPLICATE ')
      else expect(written).toBe(line)
    }
  })

  test('W9.2: every row is of a stream that is known, and has no member too many', () => {
    const rows = lines
      .map(({ from, line }) => read(line, from, dialect))
      .filter((command) => command.name === 'RDATA')
    expect(rows.length).toBeGreaterThan(20)
    for (const { stream, row } of rows)
      expect(decodeRow(stream, row)).toMatchObject({ kind: 'row', extra: 0 })
  })

  test('W2: all the bytes of a side, in chunks of seven, come to the same commands', () => {
    for (const from of ['server', 'client'] as const) {
      const commands = lines
        .filter((recorded) => recorded.from === from)
        .map(({ line }) => read(line, from, dialect))
      const bytes = Buffer.concat(commands.map((command) => encodeCommand(command, dialect)))
      const decoder = new LineDecoder()
      const again: KnownCommand[] = []
      for (let at = 0; at < bytes.length; at += 7) {
        for (const line of decoder.push(bytes.subarray(at, at + 7)).lines)
          again.push(read(line, from, dialect))
      }
      expect(again).toEqual(commands)
    }
  })
})

interface SeedSession {
  readonly name: string
  readonly lines: readonly (readonly [string, string])[]
  readonly deliveries?: readonly { stream: string; token: number; rows: unknown[] }[]
}

describe('the transcripts of the protocol’s own description', () => {
  const { sessions } = vectors('seed-sessions') as { sessions: SeedSession[] }

  test.each(sessions)('W4: $name is understood, line by line', ({ lines }) => {
    const sent = lines.filter(([direction]) => direction !== 'closed')
    expect(sent.length).toBeGreaterThan(0)
    for (const { from, line } of recordedLines(sent)) {
      expect(formatCommand(read(line, from, 'D1'), 'D1')).toBe(line)
    }
  })

  test('W8.3: batch rows belong to the numbered row that ends them', () => {
    const { lines = [], deliveries } = sessions.find(({ name }) => name === 'batch') ?? {}
    const rows = recordedLines(lines).map(({ line }) => read(line, 'server', 'D1') as RdataCommand)
    expect(rows.map(({ token }) => token)).toEqual(['batch', 'batch', 'batch', 54])
    expect([
      { stream: 'caches', token: 54, rows: rows.map(({ row }) => JSON.parse(row) as unknown) },
    ]).toEqual(deliveries)
  })

  test('H13.9: rows that are abbreviated or of an older form are errors for the application', () => {
    const rows = sessions
      .flatMap(({ lines }) => recordedLines(lines))
      .filter(({ line }) => line.startsWith('RDATA events'))
    const readings = rows.map(({ line }) => {
      const { stream, row } = read(line, 'server', 'D1') as RdataCommand
      const reading = decodeRow(stream, row)
      return reading.kind === 'malformed' ? reading.error.reason : reading.kind
    })
    expect(readings).toEqual(['json', 'json', 'type'])
  })
})

interface ScriptedStep {
  readonly received?: Record<string, unknown[]>
  readonly sends?: unknown[]
  readonly server?: unknown
  readonly clientSends?: unknown[]
}
interface ScriptedSession {
  readonly name: string
  readonly steps: readonly ScriptedStep[]
}

describe('recorded against one real peer', () => {
  const strings = (...lists: unknown[]) =>
    lists.flat().filter((line): line is string => typeof line === 'string')
  const filledIn = (line: string) => line.replaceAll('<ms>', '1490197665618')

  test.each((vectors('server-sessions') as { sessions: ScriptedSession[] }).sessions)(
    'W4: what the server sent in $name is understood',
    ({ steps }) => {
      for (const line of steps.flatMap(({ received }) => strings(...Object.values(received ?? {})))) {
        expect(formatCommand(read(filledIn(line), 'server', 'D1'), 'D1')).toBe(filledIn(line))
      }
    },
  )

  test.each((vectors('client-sessions') as { sessions: ScriptedSession[] }).sessions)(
    'W4: what the client sent in $name is understood',
    ({ steps }) => {
      for (const line of steps.flatMap(({ clientSends }) => strings(clientSends ?? []))) {
        expect(formatCommand(read(filledIn(line), 'client', 'D1'), 'D1')).toBe(
          filledIn(line).replaceAll(', ', ','),
        )
      }
    },
  )

  test('W9.1: ALL gives the streams in the order of the registry', () => {
    const positions = recordedLines((vectors('live-v1.4.0') as { rawClient: unknown }).rawClient)
      .map(({ from, line }) => read(line, from, 'D1'))
      .filter((command) => command.name === 'POSITION')
    expect(positions.slice(0, 15).map(({ stream }) => stream)).toEqual(
      registeredStreams.map(({ name }) => name),
    )
  })
})
