import { nodeEnv } from '@holdfast/core/node'
import { savedConferences } from '../src/index.js'
import { toxRelay } from '../src/testing/index.js'
import { RealPeer } from '../test/support/real-peer.js'
import { OurNode } from './our-node.js'
import { split, splitBehindRelays } from './split-scenarios.js'
import { befriend, both, freePort, frozen, joinTheirs, type Scenario, talk, until } from './stage.js'
import { toxic } from './toxic-scenario.js'

/** All scenarios. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'friend',
    about: 'we start a friend connection, to a known node',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours')
      await befriend(ours, real, card)
      await talk(ours, real, card)
      await ours.node.close()
      await card.seen('it sees at once that we go', real.says(/^friend 0 offline$/, { withinMs: 2000 }))
    },
  },
  {
    name: 'bootstrap',
    about: 'it comes to our DHT port, and we know nothing but its Tox ID',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours')
      await real.do(`add ${ours.node.realKey}`)
      ours.node.befriend(real.realKey)
      await real.do(`bootstrap 127.0.0.1 ${ours.node.address?.port} ${ours.node.dhtKey}`)
      await card.seen(
        'both are online for each other',
        both(ours.online(real.realKey), real.says(/^friend 0 udp$/)),
      )
      await talk(ours, real, card)
    },
  },
  {
    name: 'lan',
    about: 'it listens to local discovery, and we call out to its port',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real', { lan: 1 })
      await using ours = await OurNode.start('ours', { neighbours: [real.place.address] })
      await real.do(`add ${ours.node.realKey}`)
      ours.node.befriend(real.realKey)
      await card.seen(
        'both are online for each other',
        both(ours.online(real.realKey), real.says(/^friend 0 udp$/)),
      )
    },
  },
  {
    name: 'called',
    about: 'it starts the friend connection: we have let go of it, and cannot find it ourselves',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours')
      await befriend(ours, real, card)
      ours.node.unfriend(real.realKey)
      const from = real.lines.length
      await real.says(/^friend 0 offline$/)
      // With a DHT key that is nobody's we look in vain.
      ours.node.befriend(real.realKey, { dhtKey: '07'.repeat(32) })
      await card.seen('it connects to us', real.says(/^friend 0 udp$/, { from }))
      await talk(ours, real, card)
    },
  },
  {
    name: 'guest',
    about: 'we are invited to its conference, and talk; then close and come back from our save file',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      const ours = await OurNode.start('ours')
      await befriend(ours, real, card)
      await joinTheirs(ours, real, card)
      await real.do('talk 0 all hands')
      await card.seen(
        'we hear it',
        ours.conference('message', ({ text }) => text === 'all hands'),
      )
      ours.node.conferences.say(0, 'here')
      await card.seen('it hears us', real.says(/^said 0 ours here$/))
      await real.do('title 0 Deck')
      await card.seen(
        'we learn the title',
        ours.conference('title', ({ title }) => title === 'Deck'),
      )
      const saved = savedConferences(ours.node.conferences.machine)
      await ours.node.close()
      await card.seen('it sees us frozen', frozen(real))
      await using again = await OurNode.start('ours', { secretKey: ours.secretKey })
      again.node.conferences.do({ kind: 'restore', conferences: saved })
      const from = real.lines.length
      again.node.befriend(real.realKey, real.place)
      await card.seen(
        'back, both list both as live',
        both(again.conference('thawed'), real.says(/^peers 0 live 2 frozen 0/, { from })),
      )
      again.node.conferences.say(0, 'back')
      await card.seen('it hears us', real.says(/^said 0 ours back$/))
    },
  },
  {
    name: 'asleep',
    about: 'it sleeps for 75 s: we freeze it, and when it wakes both list both again (takes 80 s)',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours')
      await befriend(ours, real, card)
      await joinTheirs(ours, real, card)
      real.sleep(true)
      await card.seen(
        'we freeze it when the link is dead, after 32 to 41 s',
        ours.conference('frozen', ({ who }) => who === real.realKey, 45_000),
      )
      await new Promise((resolve) => setTimeout(resolve, 38_000))
      const from = real.lines.length
      real.sleep(false)
      await card.seen(
        'awake, both list both as live',
        both(ours.conference('thawed'), real.says(/^peers 0 live 2 frozen 0/, { from })),
      )
      ours.node.conferences.say(0, 'good morning')
      await card.seen('it hears us', real.says(/^said 0 ours good morning$/))
    },
  },
  {
    name: 'host',
    about: 'it is invited to our conference, and talks',
    async run({ program, card }) {
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours')
      await befriend(ours, real, card)
      const conference = ours.node.conferences.create() ?? -1
      ours.node.conferences.setTitle(conference, 'Bridge')
      ours.node.conferences.invite(conference, real.realKey)
      const [, friend, cookie] = (await card.seen('our invitation arrives', real.says(/^invited /))).split(
        ' ',
      )
      await real.do(`accept ${friend} ${cookie}`)
      await card.seen(
        'it is in, and knows the title',
        both(real.says(/^conference-connected 0$/), real.says(/^title 0 Bridge$/)),
      )
      await real.do('talk 0 permission to come aboard')
      await card.seen('we hear it', ours.conference('message'))
      ours.node.conferences.say(conference, 'granted')
      await card.seen('it hears us', real.says(/^said 0 ours granted$/))
    },
  },
  {
    name: 'members',
    about:
      'two of ours and two real ones, friends in a chain, find each other as members and do without the founder',
    async run({ program, card }) {
      const founder = await RealPeer.start(program, 'founder')
      await using real = await RealPeer.start(program, 'real')
      await using ours = await OurNode.start('ours', { bootstrap: [founder.place] })
      await using mate = await OurNode.start('mate', { bootstrap: [founder.place] })
      await real.do(`bootstrap 127.0.0.1 ${founder.port} ${founder.dhtKey}`)
      await befriend(ours, founder, card)
      await joinTheirs(ours, founder, card)
      await befriend(mate, real, card)
      await real.do(`add ${founder.realKey}`)
      await founder.do(`add ${real.realKey}`)
      // Real ones find their friends by the onion or, as here, through us: they need a member to tell them.
      mate.node.befriend(ours.node.realKey, {
        dhtKey: ours.node.dhtKey,
        address: ours.node.address ?? { host: '', port: 0 },
      })
      ours.node.befriend(mate.node.realKey)
      await card.seen('our two are online for each other', ours.online(mate.node.realKey))
      ours.node.conferences.invite(0, mate.node.realKey)
      const { identifier } = await mate.conference('invited')
      mate.node.conferences.accept(ours.node.realKey, identifier)
      await mate.conference('connected')
      mate.node.conferences.invite(0, real.realKey)
      const [, friend, cookie] = (
        await card.seen('our invitation reaches the real one', real.says(/^invited /))
      ).split(' ')
      await real.do(`accept ${friend} ${cookie}`)
      await card.seen(
        'all four list all four',
        both(real.says(/^peers 0 live 4 /), founder.says(/^peers 0 live 4 /)),
      )
      await card.seen(
        'the founder and ours, ours and the real one have links as members',
        until(() => [ours, mate].every(({ node }) => (node.conferences.get(0)?.connections ?? 0) >= 3)),
      )
      founder.crash()
      await real.do('talk 0 on our own')
      await card.seen(
        'without the founder they go on',
        both(
          ours.conference('message', ({ text }) => text === 'on our own'),
          mate.conference('message', ({ text }) => text === 'on our own'),
        ),
      )
    },
  },
  {
    name: 'relay',
    about: 'without UDP, through a relay that is libtoxcore',
    async run({ program, card }) {
      const tcp = await freePort()
      await using relay = await RealPeer.start(program, 'relay', { tcp })
      const relays = [{ key: relay.dhtKey, host: '127.0.0.1', port: tcp }]
      await using ours = await OurNode.start('ours', { listen: null, relays })
      await using real = await RealPeer.start(program, 'real', { udp: 0 })
      await real.do(`relay 127.0.0.1 ${tcp} ${relay.dhtKey}`)
      await real.do(`add ${ours.node.realKey}`)
      ours.node.befriend(real.realKey, { dhtKey: real.dhtKey })
      await card.seen(
        'both are online for each other',
        both(ours.online(real.realKey), real.says(/^friend 0 tcp$/)),
      )
      await talk(ours, real, card)
      await using mate = await OurNode.start('mate', { listen: null, relays })
      mate.node.befriend(ours.node.realKey, { dhtKey: ours.node.dhtKey })
      ours.node.befriend(mate.node.realKey)
      await card.seen('two of ours meet through it, too', mate.online(ours.node.realKey))
    },
  },
  {
    name: 'our-relay',
    about: 'the relay of our tests, used by libtoxcore',
    async run({ program, card }) {
      await using relay = await toxRelay(nodeEnv({ name: 'relay' }))
      await using ours = await OurNode.start('ours', { listen: null, relays: [relay.info] })
      await using real = await RealPeer.start(program, 'real', { udp: 0 })
      await real.do(`relay 127.0.0.1 ${relay.info.port} ${relay.info.key}`)
      await real.do(`add ${ours.node.realKey}`)
      ours.node.befriend(real.realKey, { dhtKey: real.dhtKey })
      await card.seen(
        'both are online for each other',
        both(ours.online(real.realKey), real.says(/^friend 0 tcp$/)),
      )
      await talk(ours, real, card)
    },
  },
  split,
  splitBehindRelays,
  toxic,
]
