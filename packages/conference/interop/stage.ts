import { createServer } from 'node:net'
import type { Scorecard } from '@holdfast/core/service'
import type { RealPeer } from '../test/support/real-peer.js'
import type { OurNode } from './our-node.js'

/** What a scenario is run with. */
export interface Stage {
  /** The program of the real peer. */
  readonly program: string
  readonly card: Scorecard
}

/** Something that happens between our nodes and real ones. */
export interface Scenario {
  readonly name: string
  readonly about: string
  run(stage: Stage): Promise<void>
}

/** Names and messages in both directions. */
export async function talk(ours: OurNode, real: RealPeer, card: Scorecard): Promise<void> {
  await card.seen(
    'each learns the name of the other',
    both(
      real.says(/^friend-name 0 ours$/),
      ours.told('name', (news) => news.kind === 'friend' && news.friend.name === real.name),
    ),
  )
  const refused = ours.node.friends.say(real.realKey, 'aye aye')
  if (refused) throw new Error(`could not say anything: ${refused}`)
  await card.seen('our message arrives', real.says(/^message 0 aye aye$/))
  await real.do('say 0 ship ahoy')
  await card.seen(
    'its message arrives, and it knows',
    both(
      ours.told('message', (news) => news.kind === 'message' && news.text === 'ship ahoy'),
      real.says(/^read 0 /),
    ),
  )
}

/** The real peer and we are friends, and both online. */
export async function befriend(ours: OurNode, real: RealPeer, card: Scorecard): Promise<void> {
  await real.do(`add ${ours.node.realKey}`)
  ours.node.befriend(real.realKey, real.place)
  await card.seen(
    'both are online for each other',
    both(ours.online(real.realKey), real.says(/^friend 0 udp$/)),
  )
}

/** The real peer opens a conference and has us in. */
export async function joinTheirs(ours: OurNode, real: RealPeer, card: Scorecard): Promise<string> {
  await real.do('create')
  await real.do('invite 0 0')
  const { identifier } = await card.seen('its invitation arrives', ours.conference('invited'))
  ours.node.conferences.accept(real.realKey, identifier)
  await card.seen(
    'we are let in',
    both(ours.conference('connected'), real.says(/^peers 0 live 2 frozen 0: .*ours/)),
  )
  return identifier
}

/** Both of two things. */
export const both = <A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> => Promise.all([a, b])

/** A TCP port of loopback that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** The real one counts a frozen member a moment after it has told that the list changed. */
export async function frozen(real: RealPeer): Promise<void> {
  await until(async () => {
    const from = real.lines.length
    await real.do('peers 0')
    return real.lines.slice(from).some((line) => line.startsWith('peers 0 live 1 frozen 1'))
  })
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
