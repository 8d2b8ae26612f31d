import type { End } from '../end.js'
import { HoldfastError } from '../errors.js'

/** The error that says how a link ended. */
export function asError(why: End): HoldfastError {
  const code = why.code === undefined ? '' : ` (${why.code})`
  const detail = why.detail === undefined ? '' : `: ${why.detail}`
  return new HoldfastError('HF_LINK_ENDED', `${why.kind}${code}${detail}`, { end: why, cause: why.cause })
}
