import { InvalidArgumentError } from 'commander'
import { type Filter, readFilter } from '../wire/filter.js'

/** Reads a filter that was given as an option. */
export function filterOf(text: string): Filter {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('It must be JSON.')
  }
  const reading = readFilter(value)
  if (reading.kind === 'filter') return reading.filter
  throw new InvalidArgumentError(`It must be a filter: ${reading.why}.`)
}
