import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { isStrictPacket } from '../src/wire/plain-packet.js'
import { encodeReqPq, readReqPqAnswer } from '../src/wire/req-pq.js'

const nonce = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

describe('13 req_pq_multi', () => {
  it('is an unencrypted message with an id made of the time', () => {
    expect(encodeReqPq({ nonce, now: 1_700_000_000_500 }).toString('hex')).toBe(
      `00000000000000000000008000f1536514000000f18e7ebe${nonce.toString('hex')}`,
    )
  })

  test.prop([fc.integer({ min: 0, max: 4_102_444_800_000 })])(
    'its id is a multiple of 4 at any time',
    (now) => {
      const packet = encodeReqPq({ nonce, now })
      expect(packet.readUInt32LE(8) % 4).toBe(0)
      expect(packet.readUInt32LE(12)).toBe(Math.floor(now / 1000))
      expect(isStrictPacket(packet)).toBe(true)
    },
  )

  it('is answered by resPQ with its nonce, by an error, or by something else', () => {
    const answer = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from('3400000063241605', 'hex'),
      nonce,
      Buffer.alloc(40),
    ])
    expect(readReqPqAnswer(answer, nonce)).toEqual({ kind: 'res-pq' })
    expect(readReqPqAnswer(answer, Buffer.alloc(16))).toEqual({ kind: 'other' })
    expect(readReqPqAnswer(answer.subarray(0, 39), nonce)).toEqual({ kind: 'other' })
    expect(readReqPqAnswer(Buffer.from('6cfeffff', 'hex'), nonce)).toEqual({ kind: 'error', code: -404 })
  })
})
