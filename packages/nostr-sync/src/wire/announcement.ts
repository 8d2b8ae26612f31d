import { formatAddress, type RepoKey } from './address.js'
import type { NostrEvent } from './event.js'
import { isHex64 } from './hex.js'
import { kinds } from './kinds.js'
import { cloneUrlToRelayUrl, normalizeRelayUrl, type RelayUrl, serviceHost } from './relay-url.js'
import { tagValue, tagValues } from './tags.js'

/** A repository's announcement (NIP-34, kind 30617), as far as the sync needs it. */
export interface Announcement {
  readonly key: RepoKey
  readonly owner: string
  readonly identifier: string
  readonly clone: readonly string[]
  /** As written; see {@link relaysOf}. */
  readonly relays: readonly string[]
  /** Public keys; the owner is not necessarily among them. */
  readonly maintainers: readonly string[]
}

/** An announcement, or the reason for which it is none (R71). */
export type AnnouncementReading =
  | { readonly kind: 'announcement'; readonly announcement: Announcement }
  | { readonly kind: 'malformed'; readonly why: string }

/** Reads an announcement (R71): there has to be an identifier that can be the name of a directory, and one `clone` tag at most. */
export function readAnnouncement(event: NostrEvent): AnnouncementReading {
  const malformed = (why: string): AnnouncementReading => ({ kind: 'malformed', why })
  if (event.kind !== kinds.announcement) return malformed(`kind ${event.kind} is no announcement`)
  const identifier = tagValue(event, 'd')
  if (identifier === undefined || identifier === '') return malformed('no d tag')
  if (
    identifier === '.' ||
    identifier === '..' ||
    ['/', '\\', '\0'].some((sign) => identifier.includes(sign))
  )
    return malformed('the d tag cannot name a repository')
  if (event.tags.filter((tag) => tag[0] === 'clone').length > 1) return malformed('more than one clone tag')
  const owner = event.pubkey
  return {
    kind: 'announcement',
    announcement: {
      key: formatAddress({ kind: kinds.announcement, pubkey: owner, d: identifier }),
      owner,
      identifier,
      clone: tagValues(event, 'clone'),
      relays: tagValues(event, 'relays'),
      maintainers: tagValues(event, 'maintainers').filter(isHex64),
    },
  }
}

/**
 * The relays of a repository: those it lists, and those of its http and https clone URLs (R3), each once, in order.
 *
 * @param most - how many of them are taken (R4)
 */
export function relaysOf(announcement: Announcement, most = 20): RelayUrl[] {
  const relays = new Set<RelayUrl>()
  const add = (url: RelayUrl | null): void => {
    if (url !== null && relays.size < most) relays.add(url)
  }
  for (const relay of announcement.relays) add(normalizeRelayUrl(relay))
  for (const clone of announcement.clone) add(cloneUrlToRelayUrl(clone))
  return [...relays]
}

/** Whether an announcement names one of our domains as git server and as relay both (R71). */
export function listsService(
  { clone, relays }: Pick<Announcement, 'clone' | 'relays'>,
  domains: readonly string[],
): boolean {
  const ours = new Set(domains.map((domain) => domain.toLowerCase()))
  const isOurs = (host: string | null): boolean => host !== null && ours.has(host)
  return (
    clone.some((url) => isOurs(serviceHost(url))) &&
    relays.some((relay) => {
      const url = normalizeRelayUrl(relay)
      return url !== null && isOurs(serviceHost(url))
    })
  )
}
