import { join } from 'node:path'
import { collectMetrics } from '@holdfast/core/service'
import { Registry } from 'prom-client'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { missingIn } from '../../../tools/watching.js'
import type { KeptMessage } from '../src/client/tox-client.js'
import { type ConferenceMetricsSource, registerConferenceMetrics } from '../src/metrics/conference-metrics.js'
import { registerNodeMetrics } from '../src/metrics/node-metrics.js'
import { newSavedFriend } from '../src/wire/friends-section.js'
import { online, type TestNode, testNode } from './support/tox-nodes.js'

/** A node with metrics; what is said in it is said by the test. */
function watched({ node }: TestNode, registry: Registry, friends: readonly TestNode[] = []) {
  const messages$ = new Subject<KeptMessage>()
  const source: ConferenceMetricsSource = {
    node,
    conferences: node.conferences,
    friends: new Map(friends.map((each) => [each.node.realKey, newSavedFriend(each.node.realKey)])),
    messages$,
  }
  registerConferenceMetrics(registry, source)
  return messages$
}

describe('metrics', () => {
  it('tell who is there, and what carries a conference', async () => {
    await using ada = await testNode('ada')
    await using ben = await testNode('ben', { bootstrap: [ada.place] })
    const registry = new Registry()
    void watched(ada, registry, [ben])
    ada.node.befriend(ben.node.realKey, ben.place)
    ben.node.befriend(ada.node.realKey, ada.place)
    await online(ada, ben)
    ada.node.conferences.create()
    ada.node.conferences.invite(0, ben.node.realKey)
    const invited = await ben.conferenceTold('invited')
    if (invited.kind === 'invited') ben.node.conferences.accept(invited.from, invited.identifier)
    await ada.conferenceTold('joined')
    const text = await registry.metrics()
    const identifier = ada.node.conferences.list()[0]?.identifier ?? ''
    const conference = identifier.slice(0, 8)
    for (const line of [
      'friends{presence="online"} 1',
      'friends{presence="offline"} 0',
      'conferences{phase="connected"} 1',
      'conferences{phase="joining"} 0',
      `connections{conference="${conference}"} 1`,
      `members{conference="${conference}",presence="live"} 1`,
      `members{conference="${conference}",presence="frozen"} 0`,
      'links 1',
      'network_relays 0',
    ])
      expect(text).toContain(`holdfast_conference_${line}\n`)
    expect(text).not.toContain(identifier)
  })

  it('count what was said, and what could not be written', async () => {
    await using ada = await testNode('ada')
    const registry = new Registry()
    const messages$ = watched(ada, registry)
    const said: KeptMessage = {
      ...{
        conference: 0,
        identifier: `00${'ab'.repeat(32)}`,
        from: ada.node.realKey,
        name: 'ada',
        text: 'hi',
      },
      ...{ isOurs: false, as: 'chat', messageNumber: 1, at: 0, isLate: false, position: 1 },
    }
    messages$.next(said)
    messages$.next({ ...said, isLate: true })
    messages$.next({ ...said, isOurs: true, position: null })
    const text = await registry.metrics()
    for (const heard of ['live', 'late', 'ours'])
      expect(text).toContain(`messages_total{conference="00ababab",heard="${heard}"} 1\n`)
    expect(text).toContain('holdfast_conference_messages_unwritten_total 1\n')
  })

  it('have all that dashboard and alerts ask for', async () => {
    await using ada = await testNode('ada')
    using collected = collectMetrics()
    void watched(ada, collected.registry)
    registerNodeMetrics(collected.registry, ada.node)
    expect(await missingIn(collected.registry, join(import.meta.dirname, '../deploy'))).toEqual([])
  })
})
