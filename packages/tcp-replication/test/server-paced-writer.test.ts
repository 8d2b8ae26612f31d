import type { Link, WriteResult } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { PacedWriter } from '../src/server/paced-writer.js'

/** A link that keeps what it is given until it is flushed. */
class FullLink {
  readonly phase = 'open'
  readonly written: string[] = []
  unflushed = 0

  write(lines: string): WriteResult {
    this.written.push(lines.slice(0, 1))
    this.unflushed += lines.length
    return this.unflushed > 65_536 ? 'full' : 'sent'
  }
}

const piece = (name: string): string => name.repeat(200_000)

describe('writing that keeps pace with a link', () => {
  it('H13.2: gives it no more than it may hold, and keeps the order of what waits', () => {
    const link = new FullLink()
    const writer = new PacedWriter(link as unknown as Link)
    expect(['a', 'b', 'c', 'd'].map((name) => writer.write(piece(name)))).toEqual([
      'full',
      'full',
      'full',
      'full',
    ])
    expect(link.written).toEqual(['a', 'b'])
    expect(writer.waiting).toBe(400_000)
    // There is room again, but those that wait come first.
    link.unflushed = 1
    expect(writer.write('e')).toBe('full')
    expect(link.written).toEqual(['a', 'b'])
    link.unflushed = 0
    expect(writer.writable()).toBe(false)
    expect(link.written).toEqual(['a', 'b', 'c', 'd'])
    expect(writer.waiting).toBe(1)
    link.unflushed = 0
    expect(writer.writable()).toBe(true)
    expect(link.written.join('')).toBe('abcde')
    expect(writer.write('f')).toBe('sent')
  })

  it('gives a link that will not say when it has room whatever it takes', () => {
    const link = new FullLink()
    const writer = new PacedWriter(link as unknown as Link)
    link.unflushed = -1_000_000
    for (let time = 0; time < 5; time += 1) expect(writer.write(piece('a'))).toBe('sent')
    link.unflushed = 0
    expect(writer.writable()).toBe(true)
  })
})
