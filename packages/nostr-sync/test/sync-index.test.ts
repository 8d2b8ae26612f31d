import { fc, test } from '@fast-check/vitest'
import { type Announcement, deriveRelayTargets, RepoIndex, syncItems } from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed } from './support/vectors.js'

const owner = 'a'.repeat(64)
const key = (name: string): string => `30617:${owner}:${name}`

function announcement(name: string, relays: readonly string[]): Announcement {
  return { key: key(name), owner, identifier: name, clone: [], relays, maintainers: [] }
}

const root = (id: string, ...repos: string[]) => ({ id, tags: repos.map((repo) => ['a', key(repo)]) })
const makeIndex = (options = {}): RepoIndex => new RepoIndex({ domains: ['grasp.example'], ...options })

describe('the index of what is wanted', () => {
  it('R16: is turned round by relay', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://one.example', 'wss://two.example']))
    index.announce(announcement('y', ['wss://two.example']))
    index.attachRoot(root('r1', 'x'))
    expect(index.targetOf('wss://one.example')).toEqual(syncItems({ repos: [key('x')], rootEvents: ['r1'] }))
    expect(index.targetOf('wss://two.example')).toEqual(
      syncItems({ repos: [key('x'), key('y')], rootEvents: ['r1'] }),
    )
    expect(index.targetOf('wss://three.example')).toEqual(syncItems())
  })

  it('R5: never names ourselves', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://Grasp.example/', 'wss://grasp.example.evil.example']))
    expect(index.relays()).toEqual(['wss://grasp.example.evil.example'])
  })

  it('R4: holds so many relays and no more; one that goes makes room', () => {
    const index = makeIndex({ maxRelays: 2, maxRelaysPerRepo: 2 })
    index.announce(announcement('x', ['wss://a.example', 'wss://b.example', 'wss://c.example']))
    index.announce(announcement('y', ['wss://d.example']))
    expect(index.relays()).toEqual(['wss://a.example', 'wss://b.example'])
    index.withdraw(key('x'))
    expect(index.relays()).toEqual(['wss://d.example'])
  })

  it('R68: a newer announcement adds relays and drops those that it no longer names', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://a.example', 'wss://b.example']))
    index.attachRoot(root('r', 'x'))
    const changed = index.announce(announcement('x', ['wss://b.example', 'wss://c.example']))
    expect([...changed].sort()).toEqual(['wss://a.example', 'wss://b.example', 'wss://c.example'])
    expect(index.relays()).toEqual(['wss://b.example', 'wss://c.example'])
    expect(index.targetOf('wss://c.example').rootEvents).toEqual(new Set(['r']))
  })

  it('R14: a root event belongs to every known repository that it names, and to no other', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://a.example']))
    index.announce(announcement('y', ['wss://b.example']))
    expect([...index.attachRoot(root('r', 'x', 'unknown', 'y'))]).toEqual([
      'wss://a.example',
      'wss://b.example',
    ])
    expect(index.attachRoot(root('r', 'x'))).toEqual(new Set())
    expect(index.attachRoot(root('s', 'unknown'))).toEqual(new Set())
    expect(index.attachRoot({ id: 's', tags: [['A', key('x')]] })).toEqual(new Set())
    index.withdraw(key('x'))
    expect(index.targetOf('wss://b.example').rootEvents).toEqual(new Set(['r']))
  })

  it('R35: what was deleted is no longer wanted', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://a.example']))
    index.attachRoot(root('r', 'x'))
    expect(index.detachRoot('r')).toEqual(new Set(['wss://a.example']))
    expect(index.targetOf('wss://a.example').rootEvents).toEqual(new Set())
    expect(index.withdraw(key('x'))).toEqual(new Set(['wss://a.example']))
    expect(index.withdraw(key('x'))).toEqual(new Set())
    expect(index.detachRoot('r')).toEqual(new Set())
    expect(index.relays()).toEqual([])
  })

  it('R15: a held announcement wants only state, and never goes back to that', () => {
    const index = makeIndex()
    index.announce(announcement('x', ['wss://a.example']), 'state-only')
    index.attachRoot(root('r', 'x'))
    expect(index.targetOf('wss://a.example')).toEqual(syncItems({ stateRepos: [key('x')] }))
    index.announce(announcement('x', ['wss://a.example']), 'full')
    index.announce(announcement('x', ['wss://a.example']), 'state-only')
    expect(index.targetOf('wss://a.example')).toEqual(syncItems({ repos: [key('x')], rootEvents: ['r'] }))
  })

  it('R6, R65, R67: is made of what is stored, in whatever order', () => {
    const names = [
      'announcement lists our service (grasp.example)',
      'issue',
      'pull request',
      'patch, root of a series',
    ]
    const events = [...names, 'pull request update', 'repository state'].map(eventNamed)
    const index = makeIndex()
    const changed = index.take([...events].reverse(), () => true)
    const target = index.targetOf('wss://mirror.example:8443')
    expect(changed.has('wss://mirror.example:8443')).toBe(true)
    expect([...target.repos]).toEqual([
      key('holdfast-demo').replace(owner, eventNamed('repository state').pubkey),
    ])
    expect([...target.rootEvents].sort()).toEqual(
      names
        .slice(1)
        .map((name) => eventNamed(name).id)
        .sort(),
    )
  })

  it('R35: lets go of a repository whose newer announcement no longer names us', () => {
    const event = eventNamed('announcement lists our service (grasp.example)')
    const index = makeIndex()
    index.take([event], () => true)
    expect(index.take([event], () => false).has('wss://mirror.example:8443')).toBe(true)
    expect(index.relays()).toEqual([])
  })

  const name = fc.constantFrom('x', 'y', 'z')
  const relays = fc.uniqueArray(fc.constantFrom('wss://a.example', 'wss://b.example', 'wss://c.example'))
  const change = fc.oneof(
    fc.record({ kind: fc.constant('announce'), name, relays, level: fc.constantFrom('full', 'state-only') }),
    fc.record({ kind: fc.constant('withdraw'), name }),
    fc.record({ kind: fc.constant('attach'), id: fc.constantFrom('r', 's'), repos: fc.uniqueArray(name) }),
    fc.record({ kind: fc.constant('detach'), id: fc.constantFrom('r', 's') }),
  )

  test.prop([fc.array(change, { maxLength: 30 })])(
    'R16: changed step by step it says what it would if worked out from nothing, and names whom a change concerns',
    (changes) => {
      const index = makeIndex()
      for (const one of changes) {
        const before = deriveRelayTargets(index.repos)
        const concerned =
          one.kind === 'announce'
            ? index.announce(announcement(one.name, one.relays), one.level)
            : one.kind === 'withdraw'
              ? index.withdraw(key(one.name))
              : one.kind === 'attach'
                ? index.attachRoot(root(one.id, ...one.repos))
                : index.detachRoot(one.id)
        const after = deriveRelayTargets(index.repos)
        expect(new Map(index.relays().map((relay) => [relay, index.targetOf(relay)]))).toEqual(after)
        for (const relay of new Set([...before.keys(), ...after.keys()]))
          if (!concerned.has(relay)) expect(after.get(relay)).toEqual(before.get(relay))
      }
    },
  )
})
