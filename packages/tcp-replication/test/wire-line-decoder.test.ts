import { Buffer } from 'node:buffer'
import { fc, test } from '@fast-check/vitest'
import { OptionError } from '@holdfast/core'
import { LineDecoder, maxLineBytes } from '@holdfast/tcp-replication'
import { describe, expect } from 'vitest'

/** Everything that a decoder makes of chunks. */
function decodeAll(chunks: readonly Uint8Array[], decoder = new LineDecoder()) {
  const lines: string[] = []
  let code: string | null = null
  for (const chunk of chunks) {
    const decoded = decoder.push(chunk)
    lines.push(...decoded.lines)
    code = decoded.error?.code ?? null
  }
  return { lines, code }
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

const line = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\n', ''))

describe('bytes that become lines', () => {
  test('W2: a line ends at a line feed and nowhere else', () => {
    expect(decodeAll([Buffer.from('a\rb\u2028c\n\nPING 1\r\nrest')]).lines).toEqual([
      'a\rb\u2028c',
      '',
      'PING 1\r',
    ])
  })

  test('W2: exactly 16384 bytes are accepted, one more is not', () => {
    const longest = 'é'.repeat(maxLineBytes / 2)
    expect(decodeAll([Buffer.from(`${longest}\n`)])).toEqual({ lines: [longest], code: null })
    expect(decodeAll([Buffer.from(`${longest}x\n`)])).toEqual({
      lines: [],
      code: 'HF_REPLICATION_LINE_TOO_LONG',
    })
  })

  test('W2: the unfinished rest has the same limit', () => {
    const decoder = new LineDecoder()
    expect(decoder.push(Buffer.alloc(maxLineBytes, 'x')).error).toBeNull()
    expect(decoder.pending).toBe(maxLineBytes)
    expect(decoder.push(Buffer.from('x')).error?.errorText).toBe('Line length exceeded')
    expect(decoder.pending).toBe(0)
  })

  test('W2: a longest line in two chunks is accepted', () => {
    const bytes = Buffer.from(`${'x'.repeat(maxLineBytes)}\nPING 1\n`)
    expect(decodeAll(cutAt(bytes, [maxLineBytes])).lines.map((text) => text.length)).toEqual([
      maxLineBytes,
      6,
    ])
  })

  test('S2: lines before one that is too long are delivered first, those after it never', () => {
    const decoder = new LineDecoder()
    const decoded = decoder.push(Buffer.from(`PING 1\nPING 2\n${'x'.repeat(maxLineBytes + 1)}\nPING 3\n`))
    expect(decoded.lines).toEqual(['PING 1', 'PING 2'])
    expect(decoded.error?.code).toBe('HF_REPLICATION_LINE_TOO_LONG')
    expect(decoder.push(Buffer.from('PING 4\n'))).toEqual({ lines: [], error: decoded.error })
  })

  test('H2: what is not UTF-8 is a protocol error, after the lines before it', () => {
    const bytes = Buffer.concat([Buffer.from('é\n'), Buffer.from([0xff, 0x0a]), Buffer.from('b\n')])
    expect(decodeAll([bytes])).toEqual({ lines: ['é'], code: 'HF_REPLICATION_INVALID_UTF8' })
  })

  test.each([
    ['a sequence cut short by the line feed', 'e282'],
    ['a surrogate', 'eda080'],
    ['an overlong form', 'c0af'],
  ])('H2: %s is not UTF-8', (_what, hex) => {
    expect(decodeAll([Buffer.from(`${hex}0a`, 'hex')]).code).toBe('HF_REPLICATION_INVALID_UTF8')
  })

  test('W2: a byte order mark is data', () => {
    expect(decodeAll([Buffer.from('\ufeffPING 1\n')]).lines).toEqual(['\ufeffPING 1'])
  })

  test('a chunk is lent: what is done to it afterwards changes nothing', () => {
    const decoder = new LineDecoder()
    const chunk = Buffer.from('PING 1\nPI')
    const { lines } = decoder.push(chunk)
    chunk.fill('x')
    expect([lines, decoder.push(Buffer.from('NG 2\n')).lines]).toEqual([['PING 1'], ['PING 2']])
  })

  test('a view into a larger buffer is read within its bounds', () => {
    const whole = new TextEncoder().encode('XXPING 1\nXX')
    expect(decodeAll([whole.subarray(2, 9)]).lines).toEqual(['PING 1'])
  })

  test.prop([fc.array(line, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 })])(
    'W2: lines cut at any byte, within a character too, are the same lines',
    (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      expect(decodeAll(cutAt(bytes, cuts))).toEqual({ lines, code: null })
    },
  )

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 20 })])(
    'W2: any bytes at all, cut anywhere, come to the same',
    (bytes, cuts) => {
      const whole = decodeAll([bytes], new LineDecoder(20))
      const pieces = decodeAll(cutAt(bytes, cuts), new LineDecoder(20))
      expect(pieces).toEqual(whole)
    },
  )

  test.prop([fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 30 })])(
    'I25: never more than one line is kept',
    (chunks) => {
      const decoder = new LineDecoder(50)
      for (const chunk of chunks) {
        decoder.push(chunk)
        expect(decoder.pending).toBeLessThanOrEqual(50)
      }
    },
  )

  test.each([0, -1, 1.5, Number.NaN])('a limit of %d is refused', (limit) => {
    expect(() => new LineDecoder(limit)).toThrow(OptionError)
  })
})
