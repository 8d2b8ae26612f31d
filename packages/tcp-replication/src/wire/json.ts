import { UnsendableError } from './errors.js'

/**
 * Writes a value as compact JSON in ASCII, as Synapse from v1.19 does: everything outside 0x20–0x7E is escaped
 * (S 2.3).
 *
 * @throws an {@link UnsendableError} for what JSON cannot say: `undefined`, `NaN`, infinities, bigints, cycles
 *
 * @example
 * ```ts
 * import { encodeJson } from '@holdfast/tcp-replication'
 *
 * encodeJson(['é', null]) // => '["\\u00e9",null]'
 * ```
 */
export function encodeJson(value: unknown): string {
  let text: unknown
  try {
    text = JSON.stringify(value, refuseNonFinite)
  } catch (cause) {
    if (cause instanceof UnsendableError) throw cause
    throw new UnsendableError('json', 'free of cycles and bigints', { cause })
  }
  if (typeof text !== 'string') throw new UnsendableError('json', 'a value that JSON has')
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function refuseNonFinite(_key: string, value: unknown): unknown {
  // JSON.stringify would quietly write null.
  if (typeof value === 'number' && !Number.isFinite(value)) throw new UnsendableError('json', 'free of NaN')
  return value
}
