import { addressOf, parseAddress } from '../wire/address.js'
import { type Announcement, listsService, readAnnouncement } from '../wire/announcement.js'
import type { NostrEvent } from '../wire/event.js'
import { kindClass, kinds } from '../wire/kinds.js'
import { serviceHost } from '../wire/relay-url.js'
import { isProtected, referencesOf, tagValue } from '../wire/tags.js'
import type { Admission, AdmissionPolicy, AdmissionView, RejectReason } from './types.js'

/** A repository on a list: by owner, by identifier, or by both. */
export interface RepositoryRule {
  /** 64 hex digits. */
  readonly owner?: string
  readonly identifier?: string
}

/** Options of {@link graspPolicy}. */
export interface GraspPolicyOptions {
  /** Our domains, `host` or `host:port`: what an announcement has to name. */
  readonly domains: readonly string[]
  /** If given, only these of those that name us are taken. */
  readonly repositoryAllowList?: readonly RepositoryRule[]
  /** Never taken, whatever else speaks for them. */
  readonly repositoryBlockList?: readonly RepositoryRule[]
  /** Public keys, 64 hex digits. */
  readonly authorBlockList?: readonly string[]
  /**
   * Take every repository, not only those that name us.
   *
   * @defaultValue false
   */
  readonly archiveAll?: boolean
  /** Take these although they do not name us. */
  readonly archiveAllowList?: readonly RepositoryRule[]
  /** Take repositories of other GRASP servers: hosts of their `clone` URLs. */
  readonly archiveServices?: readonly string[]
  /**
   * Take events that their authors protect (NIP-70).
   *
   * @defaultValue false
   */
  readonly acceptProtected?: boolean
}

const accepted: Admission = { kind: 'accept' }

/**
 * The policy of a GRASP server (spec 7): repositories that name us, their states, and what refers to something that we
 * have.
 */
export function graspPolicy(options: GraspPolicyOptions): AdmissionPolicy {
  const blockedAuthors = new Set(options.authorBlockList)
  return {
    blocks: ({ pubkey }) => blockedAuthors.has(pubkey),
    mirrors(announcement, view) {
      if (isNamed(announcement, options) || isArchived(announcement, options)) return true
      // Its own word does not count here: an owner who no longer names us wants to be let go (R35).
      const { identifier, owner } = announcement
      const others = view.announcements(identifier).filter((other) => other.owner !== owner)
      return authorisedAuthors(others).has(owner)
    },
    admit(event, view) {
      if (blockedAuthors.has(event.pubkey)) return rejected('blocked', 'the author is on the block list')
      if (event.kind === kinds.auth || kindClass(event.kind) === 'ephemeral')
        return rejected('not-stored', `kind ${event.kind} is never stored`)
      if (isProtected(event) && options.acceptProtected !== true)
        return rejected('protected', 'the author protects the event')
      switch (event.kind) {
        case kinds.announcement:
          return admitAnnouncement(event, view, options)
        case kinds.state:
          return admitState(event, view)
        case kinds.graspList:
        case kinds.deletion:
          return accepted
        default:
          return admitReference(event, view)
      }
    },
  }
}

/** Owners and maintainers of all accepted announcements with an identifier (R71, R72): whose word counts. */
export function authorisedAuthors(announcements: readonly Announcement[]): Set<string> {
  return new Set(announcements.flatMap(({ owner, maintainers }) => [owner, ...maintainers]))
}

function admitAnnouncement(event: NostrEvent, view: AdmissionView, options: GraspPolicyOptions): Admission {
  const reading = readAnnouncement(event)
  if (reading.kind === 'malformed') return rejected('invalid', reading.why)
  const { announcement } = reading
  if (options.repositoryBlockList?.some((rule) => matches(rule, announcement)) === true)
    return rejected('blocked', 'the repository is on the block list')
  if (isNamed(announcement, options) || isArchived(announcement, options)) return accepted
  const authors = authorisedAuthors(view.announcements(announcement.identifier))
  if (authors.has(event.pubkey)) return accepted
  return rejected('does-not-list-service', 'the announcement does not name us')
}

/** Names us, and is allowed to. */
function isNamed(announcement: Announcement, options: GraspPolicyOptions): boolean {
  const { domains, repositoryAllowList } = options
  const isAllowed = repositoryAllowList?.some((rule) => matches(rule, announcement)) ?? true
  return isAllowed && listsService(announcement, domains)
}

function isArchived(announcement: Announcement, options: GraspPolicyOptions): boolean {
  const services = new Set(options.archiveServices)
  return (
    options.archiveAll === true ||
    (options.archiveAllowList?.some((rule) => matches(rule, announcement)) ?? false) ||
    announcement.clone.some((url) => services.has(serviceHost(url) ?? ''))
  )
}

function admitState(event: NostrEvent, view: AdmissionView): Admission {
  const identifier = tagValue(event, 'd')
  if (identifier === undefined || identifier === '') return rejected('invalid', 'a state without a d tag')
  const announcements = view.announcements(identifier)
  if (announcements.length === 0) return rejected('no-announcement', 'no accepted repository of that name')
  return authorisedAuthors(announcements).has(event.pubkey)
    ? accepted
    : rejected('not-authorised', 'neither owner nor maintainer')
}

/** What refers to something that we have, or is referred to by something that we have (R74). */
function admitReference(event: NostrEvent, view: AdmissionView): Admission {
  const { ids, addresses } = referencesOf(event)
  const own = addressOf(event)
  const isWanted =
    addresses.some((address) => isRepository(address) && view.hasAddress(address)) ||
    ids.some((id) => view.has(id)) ||
    view.isReferenced(event.id) ||
    (own !== null && view.isReferenced(own))
  return isWanted ? accepted : rejected('orphan', 'refers to nothing that is stored')
}

function isRepository(address: string): boolean {
  return parseAddress(address)?.kind === kinds.announcement
}

function matches({ owner, identifier }: RepositoryRule, announcement: Announcement): boolean {
  return (
    (owner === undefined || owner === announcement.owner) &&
    (identifier === undefined || identifier === announcement.identifier)
  )
}

function rejected(reason: RejectReason, detail: string): Admission {
  return { kind: 'reject', reason, detail }
}
