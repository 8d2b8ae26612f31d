import type { NostrEvent } from './event.js'
import { kinds } from './kinds.js'
import { normalizeRelayUrl, type RelayUrl } from './relay-url.js'

/** A relay that somebody says to use. */
export interface ListedRelay {
  readonly url: RelayUrl
  readonly read: boolean
  readonly write: boolean
}

/**
 * Reads a relay list (NIP-65, kind 10002, `r` tags) or a list of GRASP servers (kind 10317, `g` tags), each relay once.
 * Other kinds list nothing. A relay without a marker is for both.
 */
export function readRelayList(event: Pick<NostrEvent, 'kind' | 'tags'>): ListedRelay[] {
  const name = event.kind === kinds.relayList ? 'r' : event.kind === kinds.graspList ? 'g' : null
  const listed = new Map<RelayUrl, ListedRelay>()
  for (const [tag, text = '', marker] of event.tags) {
    if (tag !== name) continue
    const url = normalizeRelayUrl(text)
    if (url === null) continue
    const before = listed.get(url)
    const read = marker !== 'write' || before?.read === true
    const write = marker !== 'read' || before?.write === true
    listed.set(url, { url, read, write })
  }
  return [...listed.values()]
}
