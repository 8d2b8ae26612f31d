import { Buffer } from 'node:buffer'
import { HoldfastError } from '@holdfast/core'
import { isValidKey, type RealKey } from '../../wire/identity.js'

/** What a Tox ID says. */
export interface ToxId {
  readonly realKey: RealKey
  /** An unsigned 32-bit number that its owner can change, so that who knows an old ID cannot send friend requests. */
  readonly nospam: number
}

/** A text is no Tox ID. Code `HF_TOX_ID`. */
export class ToxIdError extends HoldfastError {
  override readonly name: string = 'ToxIdError'

  constructor(message: string) {
    super('HF_TOX_ID', message)
  }
}

/**
 * Writes a Tox ID: 76 hexadecimal digits, as users of Tox clients pass them on (spec 12.6).
 *
 * @example
 * ```ts
 * import { toxId, parseToxId } from '@holdfast/conference'
 *
 * const id = toxId({ realKey: '00'.repeat(31) + '01', nospam: 0x12345678 })
 * id.slice(64) // => '12345678444D'
 * parseToxId(id).nospam // => 0x12345678
 * ```
 */
export function toxId({ realKey, nospam }: ToxId): string {
  const bytes = Buffer.alloc(38)
  bytes.write(realKey, 'hex')
  bytes.writeUInt32BE(nospam, 32)
  bytes.writeUInt16BE(checksum(bytes.subarray(0, 36)), 36)
  return bytes.toString('hex').toUpperCase()
}

/**
 * Reads a Tox ID.
 *
 * @throws {@link ToxIdError} if it is none, or mistyped
 */
export function parseToxId(text: string): ToxId {
  const trimmed = text.trim()
  if (!/^[0-9a-f]{76}$/i.test(trimmed)) {
    throw new ToxIdError('a Tox ID has 76 hexadecimal digits: copy it again from where it is shown')
  }
  const bytes = Buffer.from(trimmed, 'hex')
  const realKey = bytes.toString('hex', 0, 32)
  if (bytes.readUInt16BE(36) !== checksum(bytes.subarray(0, 36)) || !isValidKey(realKey)) {
    throw new ToxIdError('the checksum of this Tox ID is wrong: a digit was changed, copy it again')
  }
  return { realKey, nospam: bytes.readUInt32BE(32) }
}

function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, at) => sum ^ (at % 2 === 0 ? byte << 8 : byte), 0)
}
