import { toxId } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { friendKey, hostPort, knownNode } from '../src/cli/addresses.js'

describe('an address on the command line', () => {
  it.each([
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['example.org:33445', { host: 'example.org', port: 33_445 }],
    ['[::]:5555', { host: '::', port: 5555 }],
    ['[::ffff:127.0.0.1]:1', { host: '::ffff:127.0.0.1', port: 1 }],
  ])('%s is read', (text, place) => {
    expect(hostPort(text)).toEqual(place)
    if (place.port > 0)
      expect(knownNode(`${text}:${'5B'.repeat(32)}`)).toEqual({ ...place, key: '5b'.repeat(32) })
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

describe('a key on the command line', () => {
  const somebody = '5b'.repeat(32)

  it('is read, alone or from a Tox ID', () => {
    for (const text of [somebody, somebody.toUpperCase(), toxId({ realKey: somebody, nospam: 7 })]) {
      expect(friendKey(text)).toBe(somebody)
    }
  })

  // All points of low order that can be written with the top bit 0: 0, 1, two of order 8, p - 1, p and p + 1.
  it.each([
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
    // The top bit is 1.
    `${'11'.repeat(31)}91`,
  ])('%s is nobody’s', (key) => {
    expect(() => friendKey(key)).toThrow('Nobody can have this key')
    expect(() => knownNode(`example.org:33445:${key}`)).toThrow('Nobody can have this key')
  })
})
