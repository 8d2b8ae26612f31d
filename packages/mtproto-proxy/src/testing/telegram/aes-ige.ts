import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv } from 'node:crypto'

/** AES-256 in IGE mode, which MTProto uses and Node.js lacks. Whole blocks of 16 bytes; the iv has 32. */
export function igeEncrypt(plain: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return eachBlock(plain, iv.subarray(0, 16), iv.subarray(16, 32), (block) => aes.update(block))
}

/** The way back from {@link igeEncrypt}. */
export function igeDecrypt(encrypted: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const aes = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return eachBlock(encrypted, iv.subarray(16, 32), iv.subarray(0, 16), (block) => aes.update(block))
}

/** Every block goes in mixed with the block that came out before it, and comes out mixed with the one that went in. */
function eachBlock(
  input: Uint8Array,
  firstOut: Uint8Array,
  firstIn: Uint8Array,
  through: (block: Buffer) => Buffer,
): Buffer {
  const output = Buffer.alloc(input.length)
  let [previousIn, previousOut] = [firstIn, firstOut]
  for (let at = 0; at < input.length; at += 16) {
    const block = input.subarray(at, at + 16)
    const result = mixed(through(mixed(block, previousOut)), previousIn)
    output.set(result, at)
    previousIn = block
    previousOut = result
  }
  return output
}

/** Bitwise exclusive or. */
export function mixed(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)))
}
