import { type Budget, OptionError } from '@holdfast/core'

/** How much of each stream is kept. At least one bound; `count` counts rows. */
export type Retention = Partial<Budget>

/** @throws an `OptionError` that names the field when a bound is not above 0, or there is none */
export function checkRetention(retain: Retention): void {
  const bounds = Object.entries(retain).filter(([, value]) => (value as unknown) !== undefined)
  if (bounds.length === 0) throw new OptionError('retain', 'at least one of bytes, count and age', 'none')
  for (const [field, value] of bounds) {
    if (!(typeof value === 'number' && value > 0)) {
      throw new OptionError(`retain.${field}`, 'a number above 0', value)
    }
  }
}
