import { Buffer } from 'node:buffer'
import { defaultRules, encodePacket } from '@holdfast/conference'
import { VirtualClock } from '@holdfast/core/testing'
import { KeyPair } from '../../src/tox/crypto/box.js'
import { SharedKeys } from '../../src/tox/crypto/shared-keys.js'
import { Dht } from '../../src/tox/dht/dht.js'
import { encodeLanDiscovery, sealDht } from '../../src/tox/dht/packets.js'
import { Channel } from '../../src/tox/net-crypto/channel.js'
import { DataSealer } from '../../src/tox/net-crypto/packets.js'
import { encodeRequest } from '../../src/tox/net-crypto/request-packet.js'
import { type Peer, Sea, seededBytes } from '../support/net-crypto-rig.js'
import { identifier, key, Rig } from '../support/rig.js'
import { conferencePackets } from './parsers.js'
import type { FuzzTarget } from './target.js'

const member = 0x10
const other = 0x20
const maxPeers = 50

/** A conference machine in each of its states. */
const conferences: Readonly<Record<string, () => Rig>> = {
  'no conference': () => new Rig().friend(member).up(member),
  invited: () =>
    new Rig().friend(member).up(member).packet(member, { kind: 'invite', sender: 0, identifier }),
  joining: () => {
    const rig = new Rig().friend(member).up(member).packet(member, { kind: 'invite', sender: 0, identifier })
    return rig.do({ kind: 'accept', from: key(member), identifier })
  },
  connected: () => new Rig().create().join(member).join(other),
  frozen: () => new Rig().create().join(member).join(other).down(other).wait(70),
  alone: () => new Rig().create().join(member).down(member).up(member),
}

const machines = Object.entries(conferences).map(([state, make]): FuzzTarget => {
  return {
    name: `conferences: ${state}`,
    seeds: [
      ...conferencePackets,
      encodePacket({ kind: 'invite-accept', sender: 3, receiver: 0, identifier }),
    ],
    run(inputs) {
      const rig = make()
      rig.rules = { ...defaultRules, maxPeers }
      for (const [turn, input] of inputs.entries()) {
        rig.bytes(turn % 3 === 0 ? other : member, input)
        if (turn % 5 === 0) rig.wait(1)
      }
      for (const one of rig.machine.conferences.values()) {
        const { roster, connections, history } = one
        if (roster.live.size > maxPeers) throw new Error(`lists ${roster.live.size} members`)
        if (roster.frozen.size > one.maxFrozen) throw new Error(`keeps ${roster.frozen.size} frozen`)
        if (connections.length > 16) throw new Error(`has ${connections.length} connections`)
        if (history.bytes > (rig.rules.history?.bytes ?? 0)) throw new Error(`holds ${history.bytes} bytes`)
      }
    },
  }
})

function netCrypto(phase: string, advance: number): FuzzTarget {
  const scene = (): { readonly sea: Sea; readonly a: Peer; readonly b: Peer } => {
    const sea = new Sea(1)
    const [a, b] = [sea.peer('a'), sea.peer('b')]
    a.befriend(b)
    a.dial(b)
    sea.clock.advance(advance)
    return { sea, a, b }
  }
  const whole = scene()
  whole.sea.clock.advance(3000)
  return {
    name: `net_crypto: ${phase}`,
    seeds: whole.sea.log.map(({ packet }) => packet),
    run(inputs) {
      const { sea, a, b } = scene()
      for (const input of inputs) {
        b.netCrypto.receive(input, a.path, sea.clock.now())
        a.netCrypto.receive(input, b.path, sea.clock.now())
      }
      if (a.netCrypto.size > 2 || b.netCrypto.size > 2)
        throw new Error('remembers more connections than peers')
      sea.clock.advance(500)
    },
  }
}

/** What the owner of the session key may say: plaintexts are damaged, and sealed. */
const channel: FuzzTarget = {
  name: 'channel',
  seeds: [
    Buffer.from('00000000000000000040686921', 'hex'),
    Buffer.concat([Buffer.alloc(8), encodeRequest(40, (index) => index % 3 === 0)]),
    Buffer.from('0000000000000000c7', 'hex'),
    Buffer.from('000000000000000002', 'hex'),
  ],
  run(inputs) {
    const session = { key: Buffer.alloc(32, 1), ours: Buffer.alloc(24), theirs: Buffer.alloc(24, 9) }
    let sent = 0
    const quiet = { authentic() {}, message() {}, datagram() {}, killed() {} }
    const receiver = new Channel(session, { ...quiet, transmit: () => void (sent += 1) }, 0)
    const sealer = new DataSealer(session.key, session.theirs)
    for (let n = 0; n < 100; n += 1) receiver.send(Buffer.of(0x40, n), 0)
    for (const [turn, input] of inputs.entries()) {
      if (input.length < 9 || input.length > 1300) continue
      const bytes = Buffer.from(input)
      const packet = {
        acknowledged: bytes.readUInt32BE(0),
        number: bytes.readUInt32BE(4),
        payload: bytes.subarray(8),
      }
      receiver.receive(sealer.seal(packet), turn * 100)
      receiver.tick(turn * 100)
    }
    if (sent > 200 + inputs.length * 102) throw new Error(`sent ${sent} packets for ${inputs.length}`)
  },
}

function dht(): FuzzTarget {
  const keys = new KeyPair(seededBytes('ours')(32))
  const theirs = new KeyPair(seededBytes('theirs')(32))
  const shared = theirs.agree(keys.publicKey) ?? Buffer.alloc(32)
  const id = Buffer.alloc(8, 1)
  const nonce = Buffer.alloc(24, 2)
  const from = { host: '1.2.3.4', port: 33_445 }
  return {
    name: 'DHT',
    seeds: [
      sealDht(theirs.publicKey, shared, nonce, { kind: 'ping-request', id }),
      sealDht(theirs.publicKey, shared, nonce, { kind: 'nodes-request', wanted: theirs.publicKey, id }),
      encodeLanDiscovery(theirs.publicKey),
    ],
    run(inputs) {
      const clock = new VirtualClock()
      const ports = { send: () => undefined, found: () => undefined }
      const node = new Dht({ keys, shared: new SharedKeys(keys), random: seededBytes('random') }, ports)
      for (const input of inputs) node.receive(input, from, clock.now())
      node.tick(clock.now())
      if (node.size > 1) throw new Error('knows nodes that never answered')
    },
  }
}

/** Everything that remembers what it is told. */
export const states: readonly FuzzTarget[] = [
  ...machines,
  netCrypto('asking', 5),
  netCrypto('greeting', 25),
  netCrypto('unconfirmed', 35),
  netCrypto('up', 500),
  channel,
  dht(),
]
