import { describe, expect, it } from 'vitest'
import { hostPort, knownNode } from '../src/cli/addresses.js'

describe('an address on the command line', () => {
  it.each([
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['example.org:33445', { host: 'example.org', port: 33_445 }],
    ['[::]:5555', { host: '::', port: 5555 }],
    ['[::ffff:127.0.0.1]:1', { host: '::ffff:127.0.0.1', port: 1 }],
  ])('%s is read', (text, place) => {
    expect(hostPort(text)).toEqual(place)
    if (place.port > 0)
      expect(knownNode(`${text}:${'AB'.repeat(32)}`)).toEqual({ ...place, key: 'ab'.repeat(32) })
  })

  it.each([
    '',
    ':1',
    '1',
    '::1:0',
    ':::5555',
    '[::1:0',
    '::1]:0',
    '[example.org]:1',
    'a b:1',
    'a:65536',
    'a:x',
  ])('%j is none', (text) => {
    expect(() => hostPort(text)).toThrow('It must be HOST:PORT, or [IPV6]:PORT.')
  })
})
