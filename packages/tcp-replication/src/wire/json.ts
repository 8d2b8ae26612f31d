import { Buffer } from 'node:buffer'
import { UnsendableError } from './errors.js'

const allOutsideAscii = /[^\x20-\x7e]/g

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
    text = JSON.stringify(value)
    // A replacer doubles the time, and few values have need of one.
    if (mayHoldNonFinite(value)) JSON.stringify(value, refuseNonFinite)
  } catch (cause) {
    if (cause instanceof UnsendableError) throw cause
    throw new UnsendableError('json', 'free of cycles and bigints', { cause })
  }
  if (typeof text !== 'string') throw new UnsendableError('json', 'a value that JSON has')
  if (isAscii(text)) return text
  return text.replace(allOutsideAscii, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Quicker than to look at each character: JSON has no control character but U+007F. */
function isAscii(json: string): boolean {
  return Buffer.byteLength(json) === json.length && !json.includes('\x7f')
}

/** Whether there is a number that JSON lacks, or something that could turn into one. The value has no cycles. */
function mayHoldNonFinite(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return 'toJSON' in value || value.some(mayHoldNonFinite)
  if ('toJSON' in value) return true
  for (const key in value) if (mayHoldNonFinite(value[key as keyof typeof value])) return true
  return false
}

function refuseNonFinite(_key: string, value: unknown): unknown {
  // JSON.stringify would quietly write null.
  if (typeof value === 'number' && !Number.isFinite(value)) throw new UnsendableError('json', 'free of NaN')
  return value
}
