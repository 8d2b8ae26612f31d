import { fc, test } from '@fast-check/vitest'
import {
  type AdmissionView,
  type Announcement,
  addressOf,
  type GraspPolicyOptions,
  graspPolicy,
  type NostrEvent,
  RejectedEvents,
  readAnnouncement,
  referencesOf,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed, rules, signedEvents } from './support/vectors.js'

/** A store as a policy sees it. */
class View implements AdmissionView {
  readonly events: NostrEvent[]

  constructor(...events: NostrEvent[]) {
    this.events = events
  }

  has(id: string): boolean {
    return this.events.some((event) => event.id === id)
  }

  hasAddress(address: string): boolean {
    return this.events.some((event) => addressOf(event) === address)
  }

  announcements(identifier: string): Announcement[] {
    return this.events.flatMap((event) => {
      const reading = readAnnouncement(event)
      return reading.kind === 'announcement' && reading.announcement.identifier === identifier
        ? [reading.announcement]
        : []
    })
  }

  isReferenced(name: string): boolean {
    return this.events.some((event) => {
      const { ids, addresses } = referencesOf(event)
      return ids.includes(name) || addresses.includes(name)
    })
  }
}

const domains = ['grasp.example']
const ours = eventNamed('announcement lists our service (grasp.example)')
const ofMaintainer = eventNamed('announcement by maintainer bob, does not list our service')
const ofStranger = eventNamed('announcement by stranger dave, does not list our service')
const issue = eventNamed('issue')

function verdict(
  event: NostrEvent,
  view: AdmissionView = new View(),
  options: Partial<GraspPolicyOptions> = {},
): string {
  const admission = graspPolicy({ domains, ...options }).admit(event, view)
  return admission.kind === 'reject' ? admission.reason : admission.kind
}

describe('the policy of a GRASP server', () => {
  const reasons: Readonly<Record<string, string>> = {
    'reject: not authorised': 'not-authorised',
    'reject: does_not_list_service': 'does-not-list-service',
    'reject: kind 22242 is never stored': 'not-stored',
    'reject: orphan': 'orphan',
    'reject: invalid': 'invalid',
    'reject: invalid (rule of ngit-grasp)': 'invalid',
  }

  it.each(rules.acceptance)('R71, R72, R73, R74: $eventName', ({ eventName, result }) => {
    const view = new View()
    for (const { name, event } of signedEvents.events) {
      if (name === eventName) break
      const expected = rules.acceptance.find((rule) => rule.eventName === name)
      if (expected?.result.startsWith('accept')) view.events.push(event)
    }
    expect(verdict(eventNamed(eventName), view)).toBe(reasons[result] ?? 'accept')
  })

  it('R71: takes an announcement of a maintainer only once the owner has named him', () => {
    expect(verdict(ofMaintainer)).toBe('does-not-list-service')
    expect(verdict(ofMaintainer, new View(ours))).toBe('accept')
  })

  it('R71: maintainers of maintainers count', () => {
    const carol = signedEvents.keys['carol']?.pk ?? ''
    const third: NostrEvent = { ...ofMaintainer, pubkey: carol }
    expect(verdict(third, new View(ours))).toBe('does-not-list-service')
    expect(verdict(third, new View(ours, ofMaintainer))).toBe('accept')
  })

  it('R35: takes the announcement of an owner who no longer names us, and stops syncing it', () => {
    const policy = graspPolicy({ domains })
    const gone: NostrEvent = {
      ...ours,
      tags: [
        ['d', 'holdfast-demo'],
        ['relays', 'wss://elsewhere.example'],
      ],
    }
    const reading = readAnnouncement(gone)
    if (reading.kind === 'malformed') throw new Error(reading.why)
    expect(verdict(gone, new View(ours))).toBe('accept')
    expect(policy.mirrors(reading.announcement, new View(gone))).toBe(false)
    const maintained = readAnnouncement(ofMaintainer)
    if (maintained.kind === 'malformed') throw new Error(maintained.why)
    expect(policy.mirrors(maintained.announcement, new View(ours, ofMaintainer))).toBe(true)
  })

  it('R71: an allow list leaves out the others, archive rules take what does not name us', () => {
    const owner = ours.pubkey
    expect(verdict(ours, new View(), { repositoryAllowList: [{ owner, identifier: 'x' }] })).toBe(
      'does-not-list-service',
    )
    expect(verdict(ours, new View(), { repositoryAllowList: [{ owner }] })).toBe('accept')
    expect(verdict(ours, new View(), { repositoryAllowList: [{ identifier: 'holdfast-demo' }] })).toBe(
      'accept',
    )
    expect(verdict(ofStranger, new View(), { archiveAll: true })).toBe('accept')
    expect(verdict(ofStranger, new View(), { archiveAllowList: [{ identifier: 'elsewhere' }] })).toBe(
      'accept',
    )
    expect(verdict(ofStranger, new View(), { archiveServices: ['elsewhere.example'] })).toBe('accept')
    expect(verdict(ofStranger, new View(), { archiveServices: ['example'] })).toBe('does-not-list-service')
  })

  it('R69, R71: block lists override everything', () => {
    const blockList = { repositoryBlockList: [{ identifier: 'holdfast-demo' }], archiveAll: true }
    expect(verdict(ours, new View(), blockList)).toBe('blocked')
    expect(verdict(ours, new View(), { authorBlockList: [ours.pubkey] })).toBe('blocked')
    expect(graspPolicy({ domains, authorBlockList: [ours.pubkey] }).blocks(ours)).toBe(true)
    expect(graspPolicy({ domains }).blocks(ours)).toBe(false)
  })

  it('R72: a state needs a repository', () => {
    expect(verdict(eventNamed('repository state'))).toBe('no-announcement')
  })

  it('R74: public key and identifier have to be of the same address', () => {
    const dave = signedEvents.keys['dave']?.pk ?? ''
    const mixed: NostrEvent = { ...issue, tags: [['a', `30617:${dave}:holdfast-demo`]] }
    expect(verdict(mixed, new View(ours, ofStranger))).toBe('orphan')
  })

  it('R74: what a stored event refers to is taken, by id and by address', () => {
    const target: NostrEvent = { ...issue, tags: [] }
    expect(verdict(target, new View())).toBe('orphan')
    expect(verdict(target, new View({ ...issue, id: '1'.repeat(64), tags: [['e', issue.id]] }))).toBe(
      'accept',
    )
    const article: NostrEvent = { ...issue, kind: 30_023, tags: [['d', 'x']] }
    const quoting = { ...issue, id: '2'.repeat(64), tags: [['q', addressOf(article) ?? '']] }
    expect(verdict(article, new View(quoting))).toBe('accept')
  })

  it('R86: protected events stay with their author unless we are told otherwise', () => {
    const event = eventNamed('protected event NIP-70')
    expect(verdict(event, new View(ours))).toBe('protected')
    expect(verdict(event, new View(ours), { acceptProtected: true })).toBe('accept')
  })
})

describe('the memory of rejected events', () => {
  it('R75: forgets whole events after two minutes, and their ids after a week', () => {
    const rejected = new RejectedEvents()
    rejected.add(ofStranger, 'does-not-list-service', 0)
    rejected.sweep(120_000)
    expect([rejected.hotSize, rejected.has(ofStranger.id)]).toEqual([1, true])
    rejected.sweep(120_001)
    expect([rejected.hotSize, rejected.has(ofStranger.id)]).toEqual([0, true])
    rejected.sweep(604_800_000)
    expect(rejected.size).toBe(1)
    rejected.sweep(604_800_001)
    expect(rejected.size).toBe(0)
  })

  it("R75: an accepted announcement calls back its maintainers' announcements and states", () => {
    const rejected = new RejectedEvents()
    const state = eventNamed('repository state by maintainer bob, newer')
    const foreign = eventNamed('repository state by stranger dave -> not authorised')
    rejected.add(ofMaintainer, 'does-not-list-service', 0)
    rejected.add(state, 'no-announcement', 1)
    rejected.add(foreign, 'not-authorised', 2)
    expect(rejected.release(ours)).toEqual([ofMaintainer, state])
    expect([rejected.has(state.id), rejected.has(foreign.id)]).toEqual([false, true])
    expect(rejected.release(ours)).toEqual([])
  })

  it('R75: orphans come back with what they refer to, and with what refers to them', () => {
    const rejected = new RejectedEvents()
    const comment = eventNamed('NIP-22 comment on issue (E/K/P + e/k/p)')
    rejected.add(comment, 'orphan', 0)
    expect(rejected.release(issue)).toEqual([comment])
    rejected.add(issue, 'orphan', 0)
    expect(rejected.release(comment)).toEqual([issue])
    rejected.add(issue, 'orphan', 0)
    expect(rejected.release(ours)).toEqual([issue])
  })

  it('R75: what is there only by id is forgotten, so that it is fetched again', () => {
    const rejected = new RejectedEvents()
    rejected.add(issue, 'orphan', 0)
    rejected.sweep(200_000)
    expect(rejected.release(ours)).toEqual([])
    expect(rejected.has(issue.id)).toBe(false)
  })

  it('R88: is saved and restored, the time between counted', () => {
    const rejected = new RejectedEvents()
    rejected.add(issue, 'orphan', 0)
    rejected.add(ofStranger, 'does-not-list-service', 1000)
    const saved = JSON.parse(JSON.stringify(rejected.entries())) as ReturnType<typeof rejected.entries>
    const later = new RejectedEvents()
    later.restore(saved, 604_800_500)
    expect([later.has(issue.id), later.has(ofStranger.id)]).toEqual([false, true])
    expect(later.entries()).toEqual(rejected.entries().slice(1))
  })

  test.prop([fc.array(fc.nat(500), { maxLength: 200 })])('I25: holds no more than it may', (ids) => {
    const rejected = new RejectedEvents({ maxCold: 10, maxHotChars: 5000 })
    for (const id of ids) rejected.add({ ...issue, id: String(id).padStart(64, '0') }, 'orphan', 0)
    expect(rejected.size).toBeLessThanOrEqual(10)
    expect(rejected.hotSize * JSON.stringify(issue).length).toBeLessThanOrEqual(5000)
  })
})
