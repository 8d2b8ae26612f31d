import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FaultyUdp } from '../src/testing/index.js'
import { OurNode } from './our-node.js'
import { both, type Scenario } from './stage.js'
import { isToxicInstalled, Toxic } from './toxic.js'

/** With a client that people use. */
export const toxic: Scenario = {
  name: 'toxic',
  about:
    'the client toxic in a terminal: it invites us, we fall silent, are frozen and rejoin; then we invite it (60 s)',
  async run({ card }) {
    if (!(await isToxicInstalled())) throw new Error('toxic is not installed: apt-get install toxic tmux')
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-interop-toxic-'))
    try {
      const cable = new FaultyUdp()
      await using ours = await OurNode.start('ours', { bindUdp: cable.bind })
      await using ann = await Toxic.start(directory, 'ann', ours.node.realKey)
      const { conferences, friends } = ours.node
      ours.node.befriend(ann.realKey)
      await ann.types(`/connect 127.0.0.1 ${ours.node.address?.port} ${ours.node.dhtKey}`)
      await card.seen('both are online for each other', ours.online(ann.realKey))
      friends.say(ann.realKey, 'hello toxic')
      await card.seen('a private message opens a window', ann.shows(/\[1\]/))

      await ann.types('/conference text')
      await ann.turnsTo(/hello toxic/)
      await ann.types('/invite 0')
      const { identifier } = await card.seen('it invites us', ours.conference('invited'))
      conferences.accept(ann.realKey, identifier)
      await card.seen('we are let in', ours.conference('connected'))
      await ann.turnsTo(/Peers: 2/)
      await card.seen('it lists us by our name', ann.shows(/x *ours/))
      conferences.say(0, 'ahoy from us')
      await card.seen('it shows what we say', ann.shows(/ahoy from us/))
      await ann.types('hello from toxic')
      await card.seen(
        'we hear what is typed',
        ours.conference('message', ({ text }) => text === 'hello from toxic'),
      )

      cable.isDown = true
      await card.seen(
        'when our network is gone, both freeze the other',
        both(
          ann.shows(/Peers: 1/, 80_000),
          ours.conference('frozen', ({ why }) => why === 'no-connection', 80_000),
        ),
      )
      cable.isDown = false
      await card.seen(
        'when it is back, both list both again',
        both(
          ann.shows(/Peers: 2/, 60_000),
          ours.conference('thawed', () => true, 60_000),
        ),
      )
      conferences.say(0, 'back again')
      await card.seen('it shows what we say now', ann.shows(/back again/))

      const second = conferences.create() ?? -1
      conferences.invite(second, ann.realKey)
      await ann.turnsTo(/hello toxic/)
      await card.seen('our invitation is shown', ann.shows(/\/join/))
      await ann.types('/join')
      await card.seen(
        'it joins',
        // It says its name once it knows who is in; what is said before is lost on it.
        ours.conference('name', (news) => news.conference === second),
      )
      conferences.say(second, 'welcome to ours')
      await ann.turnsTo(/welcome to ours/)
      await ann.types('thanks')
      await card.seen(
        'we hear it there',
        ours.conference('message', ({ text, conference }) => text === 'thanks' && conference === second),
      )
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
}
