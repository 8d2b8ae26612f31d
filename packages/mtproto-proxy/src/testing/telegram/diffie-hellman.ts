import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'

/** The prime that Telegram uses, which clients know to be safe and need not test. */
export const dhPrime = Buffer.from(
  [
    'c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4db',
    'fa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64',
    '2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b41',
    '0dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4',
    'e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf',
    '6f4fadf034b10403119cd8e3b92fcc5b',
  ].join(''),
  'hex',
)
export const dhGenerator = 3

/** One side of an agreement. Node.js has its own, which tests the prime for half a second each time. */
export class DiffieHellman {
  /** What the other side is told: 256 bytes. */
  readonly public: Buffer
  readonly #secret = asNumber(randomBytes(256))

  constructor() {
    this.public = asBytes(power(BigInt(dhGenerator), this.#secret))
  }

  /** What both sides then know: 256 bytes. */
  agree(theirs: Uint8Array): Buffer {
    return asBytes(power(asNumber(theirs), this.#secret))
  }
}

const prime = asNumber(dhPrime)

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % prime
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % prime
    square = (square * square) % prime
  }
  return result
}

function asNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)
}

function asBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(512, '0'), 'hex')
}
