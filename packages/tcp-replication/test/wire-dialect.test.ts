import { dialectOf } from '@holdfast/tcp-replication'
import { describe, expect, test } from 'vitest'
import { recordedLines, vectors } from './vectors/vectors.js'

describe('telling the dialects apart', () => {
  test.each([
    ['RDATA events 5 ["a", 1]', 'D1'],
    ['RDATA events batch ["a"]', 'D1'],
    ['RDATA events -5 []', 'D1'],
    ['RDATA events master 5 ["a"]', 'D2'],
    ['RDATA events master batch ["a"]', 'D2'],
    ['POSITION events 5', 'D1'],
    ['POSITION events 5 \r', 'D1'],
    ['POSITION events master 5', 'D2'],
    ['POSITION events master 4 5', 'D2'],
    ['REPLICATE events 5', 'D1'],
    ['REPLICATE ALL NOW', 'D1'],
    ['REPLICATE', 'D2'],
    ['REPLICATE ', 'D2'],
    ['USER_SYNC @u:x start 1', 'D1'],
    ['USER_SYNC inst @u:x end 1', 'D2'],
    ['USER_SYNC inst @u:x DEV start 1', 'D2'],
    ['CLEAR_USER_SYNC inst', 'D2'],
  ])('H14.5: %j is %s', (line, dialect) => {
    expect(dialectOf(line)).toBe(dialect)
  })

  test.each([
    '',
    'PING 1',
    'PING',
    'SERVER x',
    'FEDERATION_ACK 5',
    'RDATA x y z',
    'POSITION x y',
    'USER_SYNC a',
    'FOO 1 2',
  ])('H14.5: %j could be either', (line) => {
    expect(dialectOf(line)).toBeNull()
  })

  test.each([
    ['live-v1.4.0', 'D1'],
    ['unit-tests-v1.4.0', 'D1'],
    ['live-v1.66.0', 'D2'],
  ])('H14.5: no line of %s says anything but %s', (name, dialect) => {
    const said = recordedLines(vectors(name)).map(({ line }) => dialectOf(line))
    expect(new Set(said)).toEqual(new Set([dialect, null]))
  })
})
