import { describe, expect, it } from 'vitest'
import { endpointOf } from '../src/cli/endpoints.js'

describe('an address on the command line', () => {
  it.each([
    ['9092', 'tcp://127.0.0.1:9092'],
    ['example.com:9092', 'tcp://example.com:9092'],
    ['[::1]:0', 'tcp://[::1]:0'],
    ['tcp://[::1]:65535', 'tcp://[::1]:65535'],
    ['tls://example.com:9092', 'tls://example.com:9092'],
    ['unix:./a.sock', 'unix:./a.sock'],
    ['fd:3', 'fd:3'],
  ])('%s is %s', (text, uri) => {
    expect(endpointOf(text)).toEqual({ uri })
  })

  it.each([
    '',
    'example.com',
    '::1',
    '::1:9092',
    '[::1]',
    ':9092',
    'a:b:1',
    '127.0.0.1:65536',
    '99999',
    'udp://a:1',
    'tcp://a:1/x',
  ])('%j is none, whatever may be made of it later', (text) => {
    expect(() => endpointOf(text)).toThrow('It must be HOST:PORT, ')
  })
})
