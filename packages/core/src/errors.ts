import type { End } from './end.js'

/** Options of {@link HoldfastError}. */
export interface HoldfastErrorOptions extends ErrorOptions {
  /** The end of the link or lifecycle that this error reports. */
  readonly end?: End
}

/**
 * The base of every error that Holdfast throws or rejects with.
 *
 * Programs look at `code`, which is documented and never reused; people read `message`.
 *
 * @example
 * ```ts
 * import { HoldfastError } from '@holdfast/core'
 *
 * const error = new HoldfastError('HF_LINE_TOO_LONG', 'line of 20000 bytes, limit 16384')
 * error.code // => 'HF_LINE_TOO_LONG'
 * ```
 */
export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError'
  /** Stable identifier of the kind of failure. */
  readonly code: `HF_${string}`
  /** Present when the error reports the end of a link or a lifecycle. */
  readonly end?: End

  constructor(code: `HF_${string}`, message: string, options: HoldfastErrorOptions = {}) {
    super(message, options)
    this.code = code
    if (options.end) this.end = options.end
  }
}

/** An option was refused at construction; `field` names it. Code `HF_BAD_OPTION`. */
export class OptionError extends HoldfastError {
  override readonly name: string = 'OptionError'
  /** Path of the refused option, such as `keepalive.hearWithin`. */
  readonly field: string

  constructor(field: string, expected: string, got: unknown) {
    super('HF_BAD_OPTION', `${field} must be ${expected}, got ${show(got)}`)
    this.field = field
  }
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value)
}
