import type { LinkId } from '../end.js'

let last = 0

/** The next {@link LinkId}; for whoever writes a transport. */
export function nextLinkId(): LinkId {
  last += 1
  return last as LinkId
}
