import { looksLikeInteger } from './arguments.js'
import type { Dialect } from './commands.js'

/**
 * Says which dialect a line is written in, or `null` when it could be either (H 14.5).
 *
 * A client takes D1 until a row or position of the server says otherwise, a server D1 until a REPLICATE or
 * USER_SYNC of the client does; the first line that is not `null` settles it for the connection. Instances whose
 * names are numbers, or `batch`, are not supported.
 *
 * @param line - without its line feed
 *
 * @example
 * ```ts
 * import { dialectOf } from '@holdfast/tcp-replication'
 *
 * dialectOf('POSITION events 7') // => 'D1'
 * dialectOf('POSITION events master 6 7') // => 'D2'
 * dialectOf('REPLICATE ') // => 'D2'
 * dialectOf('PING 1') // => null
 * ```
 */
export function dialectOf(line: string): Dialect | null {
  const [name, first = '', second = '', third = '', fourth = ''] = line.trimEnd().split(' ', 5)
  switch (name) {
    case 'RDATA':
      if (isToken(second)) return 'D1'
      return isToken(third) ? 'D2' : null
    case 'POSITION':
      if (looksLikeInteger(second)) return 'D1'
      return looksLikeInteger(third) ? 'D2' : null
    case 'REPLICATE':
      return first === '' ? 'D2' : 'D1'
    case 'USER_SYNC':
      if (isState(second)) return 'D1'
      return isState(third) || isState(fourth) ? 'D2' : null
    case 'CLEAR_USER_SYNC':
      return 'D2'
    default:
      return null
  }
}

function isToken(word: string): boolean {
  return word === 'batch' || looksLikeInteger(word)
}

function isState(word: string): boolean {
  return word === 'start' || word === 'end'
}
