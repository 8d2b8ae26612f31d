import { httpUrl } from '@holdfast/core/program'
import { describe, expect, it } from 'vitest'

describe('the address of an HTTP listener on the command line', () => {
  it.each([
    ['http://127.0.0.1:9093', 'http://127.0.0.1:9093'],
    ['https://example.com/x', 'https://example.com/x'],
    ['localhost:9093', 'http://localhost:9093'],
    ['[::1]:9093', 'http://[::1]:9093'],
    ['9093', 'http://127.0.0.1:9093'],
  ])('%s is %s', (text, url) => {
    expect(httpUrl(text)).toBe(url)
  })

  it.each(['', '/path', 'tcp://127.0.0.1:1', 'a b', 'localhost:x'])('%j is none', (text) => {
    expect(() => httpUrl(text)).toThrow('It must be a URL or HOST:PORT')
  })
})
