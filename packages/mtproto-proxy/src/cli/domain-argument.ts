import { InvalidArgumentError } from 'commander'
import { domain } from '../config/parts.js'

/**
 * Reads the value of `--domain`.
 *
 * @throws an `InvalidArgumentError` when it is not the name of a host
 */
export function domainArgument(text: string): string {
  const result = domain.safeParse(text)
  if (!result.success)
    throw new InvalidArgumentError('It must be the name of a host, such as www.example.com.')
  return result.data
}
