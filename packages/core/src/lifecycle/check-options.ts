import { callable, hasMethod, positive } from '../budget.js'
import { OptionError } from '../errors.js'
import { checkLinkOptions } from '../link/options.js'
import type { LinkProtocol } from '../link/types.js'
import type { LifecycleOptions } from './types.js'

/** @throws an `OptionError` that names the first option that cannot be used */
export function checkLifecycleOptions<P extends LinkProtocol>(options: LifecycleOptions<P>): void {
  checkLinkOptions(options)
  const { endpoints } = options
  hasMethod('dialer.dial', options.dialer)
  if (Array.isArray(endpoints) ? endpoints.length === 0 : typeof endpoints !== 'function') {
    throw new OptionError('endpoints', 'a list of at least one endpoint, or a function', endpoints)
  }
  for (const field of ['dialWithin', 'stableAfter'] as const) {
    if (options[field] !== undefined) positive(field, options[field])
  }
  for (const field of ['backoff', 'advise', 'prefer'] as const) {
    if (options[field] !== undefined) callable(field, options[field])
  }
}
