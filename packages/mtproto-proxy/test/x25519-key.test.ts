import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { x25519PublicKey } from '../src/x25519-key.js'

describe('3.4 the key in a hello', () => {
  it('is a point of the curve, and another one each time', () => {
    const [one, other] = [x25519PublicKey(), x25519PublicKey()]
    expect([one.length, other.length]).toEqual([32, 32])
    expect(one).not.toEqual(other)
    const x = Buffer.from(one).toString('base64url')
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
    const { privateKey } = generateKeyPairSync('x25519')
    expect(diffieHellman({ privateKey, publicKey })).toHaveLength(32)
  })
})
