import { fc, test } from '@fast-check/vitest'
import { linesOf } from '@holdfast/core/program'
import { describe, expect, it } from 'vitest'

async function* chunks(...all: readonly (string | Buffer)[]): AsyncGenerator<string | Buffer> {
  yield* all
}

async function read(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) found.push(line)
  return found
}

describe('lines of a stream', () => {
  test.prop([fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))), fc.nat(7)])(
    'are the same however the stream is cut',
    async (lines, size) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const pieces = Array.from({ length: Math.ceil(bytes.length / (size + 1)) }, (_, index) =>
        bytes.subarray(index * (size + 1), (index + 1) * (size + 1)),
      )
      expect(await read(linesOf(chunks(...pieces)))).toEqual(lines)
    },
  )

  it('need no end at the last of them', async () => {
    expect(await read(linesOf(chunks('one\n\nth', 'ree')))).toEqual(['one', '', 'three'])
  })

  it('I25: are passed over when they are too long, once told', async () => {
    let told = 0
    const options = { longest: 4, onTooLong: () => (told += 1) }
    const lines = linesOf(chunks('four\nfi', 've5', 'more\nback\n', 'longer than that'), options)
    expect([await read(lines), told]).toEqual([['four', 'back'], 2])
  })

  it('I25: hold no more than one of the longest, however much comes', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    const endless = Array.from({ length: 64 }, () => chunk)
    await expect(read(linesOf(chunks(...endless)))).rejects.toMatchObject({ code: 'HF_BAD_REQUEST' })
  })
})
