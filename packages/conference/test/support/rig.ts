import { Buffer } from 'node:buffer'
import {
  type Conference,
  type ConferenceNews,
  type ConferencePacket,
  type ConferencesCommand,
  type ConferencesEffect,
  type ConferencesInput,
  type ConferencesMachine,
  type ConferencesRules,
  conferencesStep,
  decodePacket,
  defaultRules,
  emptyConferences,
  encodeMessage,
  encodePacket,
  encodePeerResponses,
  messageIds,
  newPeerData,
  type PeerEntry,
  type SimplePacket,
  withConference,
} from '@holdfast/conference'

/** A key whose first byte tells peers apart, and places them on the ring of keys. */
export function key(first: number): string {
  return first.toString(16).padStart(2, '0').padEnd(64, '1')
}

/** The DHT key of the peer with this first byte. */
export function dhtKey(first: number, run = 0): string {
  return first.toString(16).padStart(2, '0') + (0xd0 + run).toString(16).repeat(31)
}

export const identifier = `00${'ab'.repeat(32)}`

/** Ourselves: the key 0x40…, in the middle of nothing. */
export const self = 0x40

/** One machine among peers that are played by the test, whose names are the first bytes of their keys. */
export class Rig {
  machine: ConferencesMachine = emptyConferences({ realKey: key(self), dhtKey: dhtKey(self) })
  rules: ConferencesRules = { ...defaultRules, repair: false, history: null }
  /** Seconds. */
  now = 1000
  /** Where the wall clock stood at second 0. */
  epoch = 1_700_000_000_000
  random = (): number => 0.5
  #effects: ConferencesEffect[] = []

  step(input: ConferencesInput): this {
    const at = { beat: this.now * 1000, stamp: this.epoch + this.now * 1000 }
    const { state, effects } = conferencesStep(this.machine, input, {
      at,
      random: this.random,
      rules: this.rules,
    })
    // A step that changed what it was given would throw.
    for (const one of state.conferences.values()) Object.freeze(one)
    this.machine = Object.freeze(state)
    this.#effects.push(...effects)
    return this
  }

  do(command: ConferencesCommand): this {
    return this.step(command)
  }

  /** Lets seconds pass, with a tick in each. */
  wait(seconds: number): this {
    for (let left = seconds; left > 0; left -= 1) {
      this.now += 1
      this.step({ kind: 'tick' })
    }
    return this
  }

  tick(): this {
    return this.step({ kind: 'tick' })
  }

  friend(peer: number, is: 'online' | 'offline' | 'none' = 'online'): this {
    return this.step({ kind: 'friend', realKey: key(peer), is })
  }

  up(peer: number, run = 0): this {
    return this.step({ kind: 'link-up', realKey: key(peer), dhtKey: dhtKey(peer, run) })
  }

  down(peer: number): this {
    return this.step({ kind: 'link-down', realKey: key(peer) })
  }

  bytes(from: number, bytes: Uint8Array): this {
    return this.step({ kind: 'packet', from: key(from), bytes })
  }

  packet(from: number, packet: SimplePacket): this {
    return this.bytes(from, encodePacket(packet))
  }

  /** A message whose author may be another than who passes it on. */
  message(from: number, author: number, number: number, id: number, data: Uint8Array | string = ''): this {
    return this.bytes(from, withConference(encodeMessage(author, number, id, Buffer.from(data)), 0))
  }

  chat(from: number, author: number, number: number, text: string): this {
    return this.message(from, author, number, messageIds.chat, text)
  }

  newPeer(from: number, author: number, number: number, peerNumber: number, peer: number, run = 0): this {
    return this.message(
      from,
      author,
      number,
      messageIds.newPeer,
      newPeerData(peerNumber, key(peer), dhtKey(peer, run)),
    )
  }

  list(from: number, entries: readonly PeerEntry[]): this {
    for (const packet of encodePeerResponses(0, entries)) this.bytes(from, packet)
    return this
  }

  /** We create the conference; it has number 0, and so have we. */
  create(): this {
    return this.do({ kind: 'create', identifier }).forget()
  }

  /**
   * A friend whom we have let in: its peer number and its number for the conference are its first byte. A clean
   * slate is left behind.
   */
  join(peer: number): this {
    this.random = () => peer / 0x1_0000
    this.friend(peer)
      .up(peer)
      .do({ kind: 'invite', conference: 0, friend: key(peer) })
    return this.packet(peer, { kind: 'invite-accept', sender: peer, receiver: 0, identifier }).forget()
  }

  get effects(): readonly ConferencesEffect[] {
    return this.#effects
  }

  get conference(): Conference {
    const conference = this.machine.conferences.get(0)
    if (!conference) throw new Error('there is no conference 0')
    return conference
  }

  get live(): number[] {
    return [...this.conference.roster.live.values()].map(({ value }) => first(value.realKey))
  }

  get frozen(): number[] {
    return [...this.conference.roster.frozen.values()].map(({ value }) => first(value.realKey))
  }

  get title(): string {
    return Buffer.from(this.conference.title).toString()
  }

  /** What was sent since the slate was last clean, to one peer or to all. */
  sent(to?: number): (ConferencePacket & { readonly to: number })[] {
    return this.#effects.flatMap((effect) => {
      if (effect.kind !== 'send' && effect.kind !== 'send-lossy') return []
      const packet = decodePacket(effect.packet)
      return packet && (to === undefined || effect.to === key(to))
        ? [{ ...packet, to: first(effect.to) }]
        : []
    })
  }

  /** The same, in words: `online`, `peer-query`, `name`, … */
  kinds(to?: number): string[] {
    return this.sent(to).map((packet) => (packet.kind === 'message' ? packet.body.kind : packet.kind))
  }

  get news(): ConferenceNews[] {
    return this.#effects.flatMap((effect) => (effect.kind === 'tell' ? [effect.news] : []))
  }

  get refused(): string[] {
    return this.#effects.flatMap((effect) => (effect.kind === 'refused' ? [effect.why] : []))
  }

  wanted(kind: 'want' | 'release'): number[] {
    return this.#effects.flatMap((effect) =>
      effect.kind === kind && 'realKey' in effect ? [first(effect.realKey)] : [],
    )
  }

  connection(peer: number): Conference['connections'][number] | null {
    return this.conference.connections.find(({ realKey }) => realKey === key(peer)) ?? null
  }

  /** A clean slate. */
  forget(): this {
    this.#effects = []
    return this
  }
}

export function entry(peerNumber: number, peer: number, name = '', run = 0): PeerEntry {
  return { peerNumber, realKey: key(peer), dhtKey: dhtKey(peer, run), name: Buffer.from(name) }
}

function first(realKey: string): number {
  return Number.parseInt(realKey.slice(0, 2), 16)
}
