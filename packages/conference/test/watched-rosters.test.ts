import { MemoryMember, SimulatedLinks } from '@holdfast/conference/testing'
import { serveInspector } from '@holdfast/core/inspector'
import { nodeEnv } from '@holdfast/core/node'
import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { expect, it } from 'vitest'

it('the rosters of conferences are seen by whoever looks on, until a conference is left', async () => {
  const clock = new VirtualClock()
  await using inspector = await serveInspector({ at: '0', program: 'test', clock })
  const random = seededRandom(3)
  const links = new SimulatedLinks(clock, random, { latency: { min: 5, max: 40 }, loss: 0 })
  const { trace } = nodeEnv({ name: 'test' })
  const [ada, ben] = ['ada', 'ben'].map((name) => {
    return new MemoryMember({ name, clock, links, random, ...(name === 'ada' && trace && { trace }) })
  }) as [MemoryMember, MemoryMember]
  ada.befriend(ben)
  clock.advance(2000)
  ada.conferences.create()
  ben.conferences.events$.subscribe((news) => {
    if (news.kind === 'invited') ben.conferences.accept(news.from, news.identifier)
  })
  ada.conferences.invite(0, ben.realKey)
  clock.advance(10_000)
  const key = expect.stringMatching(new RegExp(`^\\d+ ${ben.realKey.slice(0, 8)}$`)) as string
  expect(inspector.state().rosters).toMatchObject([{ live: 1, frozen: 0, members: [{ key }] }])

  links.route(() => false)
  clock.advance(180_000)
  expect(inspector.state().rosters).toMatchObject([
    { live: 0, frozen: 1, members: [{ key, frozen: { why: 'no-connection' } }] },
  ])
  const { events } = inspector.state()
  expect(events.filter(({ channel }) => channel === 'roster').map(({ kind }) => kind)).toEqual([
    'joined',
    'frozen',
  ])

  ada.conferences.leave(0)
  // That it is over is told on a fresh stack.
  await Promise.resolve()
  clock.advance(10_000)
  expect(inspector.state().rosters).toEqual([])
})
