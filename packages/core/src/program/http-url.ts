import { InvalidArgumentError } from 'commander'

/**
 * Reads the address of an HTTP listener on a command line: a URL, or `HOST:PORT` and `PORT`, as the listener was given its own.
 *
 * @throws an `InvalidArgumentError` of commander's
 * @example
 * ```ts
 * import { httpUrl } from '@holdfast/core/program'
 *
 * httpUrl('9093') // => 'http://127.0.0.1:9093'
 * httpUrl('[::1]:9093') // => 'http://[::1]:9093'
 * ```
 */
export function httpUrl(text: string): string {
  const full = /^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text
  const url = /^https?:\/\//.test(full) ? full : `http://${full}`
  if (URL.canParse(url) && !full.startsWith('/') && url.lastIndexOf('://') === url.indexOf('://')) return url
  throw new InvalidArgumentError('It must be a URL or HOST:PORT, such as http://127.0.0.1:9093.')
}
