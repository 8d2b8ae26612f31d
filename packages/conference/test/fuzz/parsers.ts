import { Buffer } from 'node:buffer'
import {
  decodePacket,
  encodePacket,
  encodePeerResponses,
  encodeSaveFile,
  SaveFileError,
} from '@holdfast/conference'
import { newProfile, readProfile } from '../../src/profile/tox-profile.js'
import { packNodes, unpackNodes } from '../../src/tox/dht/packed-nodes.js'
import { dhtSender, openDht } from '../../src/tox/dht/packets.js'
import { decodeFriendPacket, encodeFriendPacket } from '../../src/tox/friends/packets.js'
import { encodeRequest, readRequest } from '../../src/tox/net-crypto/request-packet.js'
import { FrameOpener } from '../../src/tox/relay/frame-stream.js'
import { decodeFrame, encodeFrame } from '../../src/tox/relay/frames.js'
import { openHello, openOffer } from '../../src/tox/relay/hello.js'
import { decodeExtension, encodeExtension } from '../../src/wire/extension.js'
import { entry, identifier, key } from '../support/rig.js'
import { vectorFile, vectors } from '../support/vectors.js'
import type { FuzzTarget } from './target.js'

const recorded = ['basic', 'freeze-rejoin', 'injected', 'lossy', 'member-invite', 'split-titles']
  .flatMap((name) => vectors(name).wire)
  .map(({ hex }) => Buffer.from(hex, 'hex'))

/** Packets of conferences as real peers sent them, and some of ours. */
export const conferencePackets: readonly Uint8Array[] = [
  ...recorded,
  encodePacket({ kind: 'rejoin', identifier }),
  ...encodePeerResponses(0, [entry(1, 0x10, 'one'), entry(2, 0x20, 'two')]),
  encodeExtension(0, { kind: 'hello' }),
  encodeExtension(0, { kind: 'ask', seconds: 60 }),
  encodeExtension(0, {
    kind: 'late',
    author: 1,
    messageNumber: 7,
    messageId: 0x40,
    age: 1,
    text: Buffer.from('late'),
  }),
]

const each =
  (read: (bytes: Uint8Array) => unknown) =>
  (inputs: readonly Uint8Array[]): void => {
    for (const input of inputs) read(input)
  }

const friendPackets = [
  encodeFriendPacket({ kind: 'name', text: 'Ada' }),
  encodeFriendPacket({ kind: 'status', status: 'busy' }),
  encodeFriendPacket({ kind: 'message', text: 'hello' }),
  encodeFriendPacket({ kind: 'friend-request', nospam: 1, text: 'it is me' }),
]
const frames = [
  encodeFrame({ kind: 'route', dhtKey: key(1) }),
  encodeFrame({ kind: 'routed', id: 16, dhtKey: key(1) }),
  encodeFrame({ kind: 'received-apart', dhtKey: key(1), data: Buffer.from('apart') }),
  encodeFrame({ kind: 'data', id: 17, data: Buffer.from('data') }),
]
const profile = newProfile({ secretKey: Buffer.alloc(32, 7), nospam: 5, name: 'Ada' })
const saved = Buffer.from((vectorFile('savefile') as { readonly fileHex: string }).fileHex, 'hex')
const nodes = packNodes([{ dhtKey: key(1), address: { host: '10.0.0.1', port: 33_445 }, via: 'udp' }])

/** Everything that reads bytes and remembers nothing. */
export const parsers: readonly FuzzTarget[] = [
  { name: 'conference packets', seeds: conferencePackets, run: each(decodePacket) },
  { name: 'friend packets', seeds: friendPackets, run: each(decodeFriendPacket) },
  {
    name: 'extensions',
    seeds: conferencePackets.slice(-3).map((packet) => packet.subarray(3)),
    run: each((bytes) => decodeExtension(bytes[0] ?? 0, bytes.subarray(1))),
  },
  {
    name: 'save files',
    seeds: [profile, saved, encodeSaveFile([])],
    run: each((bytes) => {
      try {
        readProfile(bytes)
      } catch (error) {
        if (!(error instanceof SaveFileError)) throw error
      }
    }),
  },
  { name: 'packed nodes', seeds: [nodes], run: each(unpackNodes) },
  {
    name: 'DHT packets',
    seeds: [Buffer.alloc(82, 1), Buffer.alloc(113, 2)],
    run: each((bytes) => [dhtSender(bytes), openDht(bytes, Buffer.alloc(32, 1))]),
  },
  {
    name: 'request packets',
    seeds: [encodeRequest(2000, (index) => index % 300 === 0), Buffer.of(1, 0, 0, 5)],
    run: each((bytes) => readRequest(bytes, 1024, () => undefined)),
  },
  { name: 'relay frames', seeds: frames, run: each(decodeFrame) },
  {
    name: 'relay greetings',
    seeds: [Buffer.alloc(128, 3), Buffer.alloc(96, 3)],
    run: each((bytes) => [openHello(bytes, Buffer.alloc(32, 1)), openOffer(bytes, Buffer.alloc(32, 1))]),
  },
  {
    name: 'relay streams',
    seeds: [Buffer.concat([Buffer.of(0, 40), Buffer.alloc(40, 1)])],
    run(inputs) {
      const opener = new FrameOpener(Buffer.alloc(32, 1), Buffer.alloc(24))
      for (const input of inputs) if (!opener.read(input, () => undefined)) return
    },
  },
]
