import { callable, checkBudget } from '../budget.js'
import { OptionError } from '../errors.js'
import type { CursorRules } from './state.js'
import type { CursorOptions } from './types.js'

/**
 * What the machine has to know of the options.
 *
 * @throws an `OptionError` that names the option it refuses
 */
export function rulesOf<P, T>(options: CursorOptions<P, T>): CursorRules<P> {
  const { compare, next, store, saveEvery = 0, backlog } = options
  for (const name of ['compare', 'sizeOf', 'apply', 'resync'] as const) callable(name, options[name])
  checkBudget('staging', options.staging)
  checkBudget('backlog', backlog)
  if (!(saveEvery >= 0)) throw new OptionError('saveEvery', 'a number of at least 0', saveEvery)
  const savedBy = store === undefined ? 'nobody' : store.save === undefined ? 'apply' : 'save'
  return { compare, ...(next && { next }), backlog, savedBy, saveEvery }
}
