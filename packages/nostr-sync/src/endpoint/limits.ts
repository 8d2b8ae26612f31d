import { OptionError } from '@holdfast/core'
import type { ClientLimits } from '../wire/client-message.js'
import type { EndpointLimits } from './types.js'

const defaults: EndpointLimits = {
  clients: 1000,
  clientsPerAddress: Infinity,
  messageBytes: 512 * 1024,
  subscriptions: 200,
  filters: 100,
  filterValues: 2000,
  storedEvents: 5000,
  defaultStoredEvents: 500,
  count: 10_000,
  negentropySessions: 8,
  negentropyItems: 1_000_000,
  negentropyItemsOfAll: 4_000_000,
  negentropyFrameBytes: 60_000,
}

/** Fills in what is not given. @throws an `OptionError` that names what cannot be used */
export function endpointLimits(given: Partial<EndpointLimits> = {}): EndpointLimits {
  const limits = { ...defaults, ...given }
  for (const [name, value] of Object.entries(limits) as [string, unknown][])
    if (!(typeof value === 'number' && value > 0))
      throw new OptionError(`limits.${name}`, 'a number above 0', value)
  if (limits.negentropyFrameBytes < 4096)
    throw new OptionError('limits.negentropyFrameBytes', 'at least 4096', limits.negentropyFrameBytes)
  return limits
}

/** The part that the reading of messages needs. Dates are judged by the intake. */
export function readingLimits(limits: EndpointLimits): ClientLimits {
  return {
    maxFrameBytes: limits.messageBytes,
    maxFilters: limits.filters,
    maxValues: limits.filterValues,
  }
}
