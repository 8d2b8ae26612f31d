import { Buffer } from 'node:buffer'
import {
  type ConferenceNews,
  type ConferencesEffect,
  type ConferencesInput,
  type ConferencesMachine,
  conferencesStep,
  decodePacket,
  defaultRules,
  emptyConferences,
  savedConferences,
} from '@holdfast/conference'
import type { Line, Scenario } from './vectors.js'

/** What a peer did between two of its inputs, in an order that can be compared. */
export interface Turnout {
  readonly at: number
  readonly cause: string
  readonly outputs: readonly string[]
  readonly events: readonly string[]
}

/** What the real peer did, and what the machine did on the same inputs. */
export interface Replay {
  readonly expected: readonly Turnout[]
  readonly actual: readonly Turnout[]
}

const wallAtZero = 1_600_000_000_000

/** Feeds a recorded peer's inputs to the machine. */
export function replay(scenario: Scenario, name: string): Replay {
  const player = new Player(scenario)
  const expected: { at: number; cause: string; outputs: string[]; events: string[] }[] = []
  const actual: Turnout[] = []
  for (const line of scenario.perPeer[name] ?? []) {
    const last = expected.at(-1)
    if (line.out !== undefined) last?.outputs.push(...player.describeOutput(line))
    else if (line.event !== undefined) last?.events.push(...player.describeEvent(line.event))
    else {
      const done = player.play(line)
      if (done === null) continue
      const failed = line.call === 'msg' && line.result !== '0'
      const events = failed ? ['refused say no-connection'] : []
      expected.push({ at: line.t ?? 0, cause: line.call ?? 'iterate', outputs: [], events })
      actual.push({ at: line.t ?? 0, cause: line.call ?? 'iterate', ...done })
    }
  }
  const self = player.machine.realKey
  return {
    expected: expected.map((turnout) => sorted(turnout, self)),
    actual: actual.map((turnout) => sorted(turnout, self)),
  }
}

function sorted(turnout: Turnout, self: string): Turnout {
  const outputs = entriesApart(turnout.outputs, self).sort()
  return { ...turnout, outputs, events: turnout.events.toSorted() }
}

/** The entries of a list come in any order, so that the packets are compared entry by entry. */
function entriesApart(outputs: readonly string[], self: string): string[] {
  return outputs.flatMap((output) => {
    const [, to = '', hex = ''] = /^packet (\S+) (\S+)$/.exec(output) ?? []
    const packet = decodePacket(Buffer.from(hex, 'hex'))
    if (packet?.kind !== 'peer-response') return [output]
    return packet.entries.map((entry) => {
      // A real peer learns its own name by the echo of its Name message (T15); ours has known it all along.
      const name = entry.realKey === self ? '' : Buffer.from(entry.name).toString('hex')
      return `entry ${to} ${JSON.stringify({ ...entry, name })}`
    })
  })
}

class Player {
  machine: ConferencesMachine
  #base = 0
  #at = 0
  #numbers: number[] = []
  #id = ''
  #queued: ConferencesInput[] = []
  #saved: ReturnType<typeof savedConferences> = []
  #friends = new Set<string>()
  readonly #leases = new Map<string, Set<string>>()
  readonly #keys = new Map<string, string>()
  #outputs: string[] = []
  #events: string[] = []

  constructor(scenario: Scenario) {
    this.machine = emptyConferences({ realKey: '', dhtKey: '' })
    for (const { name, realPk } of scenario.peers) this.#keys.set(name, realPk)
  }

  play(line: Line): Pick<Turnout, 'outputs' | 'events'> | null {
    this.#at = line.t ?? this.#at
    this.#outputs = []
    this.#events = []
    if (line.init) this.#init(line.init)
    else if (line.in !== undefined) this.#queue(line)
    else if (line.iterate)
      for (const input of [...this.#queued.splice(0), { kind: 'tick' as const }]) this.#step(input)
    else if (line.call !== undefined) this.#call(line.call, line.args ?? [])
    else return null
    return line.in === undefined ? { outputs: this.#outputs, events: this.#events } : null
  }

  describeOutput({ out = '', to = '', hex, dhtPk }: Line): string[] {
    return [`${out} ${this.#key(to)} ${hex ?? (out === 'want-connection' ? String(dhtPk) : '')}`.trim()]
  }

  /** Client events that are the same everywhere; the list's own (U8) and those about ourselves (T15) are not. */
  describeEvent(event: string): string[] {
    const [kind = '', conference = '', who = '', ...rest] = event.split(' ')
    if (kind === 'peerlist') return []
    if (kind === 'invite') return [`invite ${this.#key(conference)} ${rest[0]?.slice(4)}`]
    const isOurs = this.#key(who) === this.machine.realKey
    if (isOurs) return kind === 'msg' ? [`echoed ${conference}`] : []
    return [`${kind} ${conference} ${this.#key(who)} ${rest.join(' ')}`.trim()]
  }

  #init({ realPk, dhtPk, t }: NonNullable<Line['init']>): void {
    const { name } = this.machine
    this.#base = t - this.#at
    this.machine = { ...emptyConferences({ realKey: realPk, dhtKey: dhtPk }), name }
    this.#leases.clear()
    for (const realKey of this.#friends) {
      this.#leases.set(realKey, new Set(['friend']))
      this.#outputs.push(`want-connection ${realKey} null`)
      this.#step({ kind: 'friend', realKey, is: 'online' })
    }
    this.#step({ kind: 'restore', conferences: this.#saved })
    this.#events = []
  }

  #queue(line: Line): void {
    const from = this.#key(line.from ?? '')
    if (line.in === 'connection-up') {
      this.#queued.push({ kind: 'link-up', realKey: from, dhtKey: line.dhtPk ?? '' })
    } else if (line.in === 'connection-down') this.#queued.push({ kind: 'link-down', realKey: from })
    else this.#queued.push({ kind: 'packet', from, bytes: Buffer.from(line.hex ?? '', 'hex') })
  }

  #call(call: string, args: readonly string[]): void {
    const [first = '', second = ''] = args
    const text = (hex: string): string => Buffer.from(hex, 'hex').toString()
    const conference = Number(first)
    switch (call) {
      case 'rand16':
        this.#numbers.push(conference)
        return
      case 'setid':
        this.#id = first
        return
      case 'friend':
        this.#friends.add(this.#key(first))
        this.#lease(this.#key(first), 'friend', null)
        {
          this.#step({ kind: 'friend', realKey: this.#key(first), is: 'online' })
          return
        }
      case 'name': {
        this.#step({ kind: 'set-name', name: text(first) })
        return
      }
      case 'new': {
        this.#step({ kind: 'create', identifier: `00${this.#id}` })
        return
      }
      case 'newav': {
        this.#step({ kind: 'create', identifier: `01${this.#id}` })
        return
      }
      case 'title': {
        this.#step({ kind: 'set-title', conference, title: text(second) })
        return
      }
      case 'msg': {
        this.#step({ kind: 'say', conference, text: text(second), as: 'chat' })
        return
      }
      case 'act': {
        this.#step({ kind: 'say', conference, text: text(second), as: 'action' })
        return
      }
      case 'invite': {
        this.#step({ kind: 'invite', conference: Number(second), friend: this.#key(first) })
        return
      }
      case 'join': {
        this.#step({ kind: 'accept', from: this.#key(first), identifier: second.slice(4) })
        return
      }
      case 'maxoff': {
        this.#step({ kind: 'set-max-frozen', conference, max: Number(second) })
        return
      }
      case 'del': {
        this.#step(second === '0' ? { kind: 'close' } : { kind: 'leave', conference })
        return
      }
      case 'save':
        // The process quits.
        this.#saved = savedConferences(this.machine)
        {
          this.#step({ kind: 'close' })
          return
        }
      default:
        throw new Error(`unknown call ${call}`)
    }
  }

  #step(input: ConferencesInput): void {
    const beat = Math.floor((this.#base + this.#at) / 1000) * 1000
    const { state, effects } = conferencesStep(this.machine, input, {
      at: { beat, stamp: wallAtZero + beat },
      random: () => (this.#numbers.shift() ?? 0) / 0x1_0000,
      rules: { ...defaultRules, repair: false, history: null },
    })
    this.machine = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: ConferencesEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#outputs.push(`packet ${effect.to} ${Buffer.from(effect.packet).toString('hex')}`)
        return
      case 'send-lossy':
        this.#outputs.push(`lossy ${effect.to} ${Buffer.from(effect.packet).toString('hex')}`)
        return
      case 'want': {
        this.#lease(effect.realKey, `conference ${effect.conference}`, effect.dhtKey)
        return
      }
      case 'release': {
        const leases = this.#leases.get(effect.realKey)
        leases?.delete(`conference ${effect.conference}`)
        if (leases?.size !== 0) return
        this.#leases.delete(effect.realKey)
        this.#outputs.push(`release-connection ${effect.realKey}`)
        return
      }
      case 'refused':
        this.#events.push(`refused ${effect.command} ${effect.why}`)
        return
      case 'tell':
        this.#events.push(...this.#describeNews(effect.news))
        return
    }
  }

  #lease(realKey: string, owner: string, dhtKey: string | null): void {
    const leases = this.#leases.get(realKey)
    if (leases) return void leases.add(owner)
    this.#leases.set(realKey, new Set([owner]))
    this.#outputs.push(`want-connection ${realKey} ${dhtKey}`)
  }

  #describeNews(news: ConferenceNews): string[] {
    const hex = (text: string): string => Buffer.from(text).toString('hex')
    switch (news.kind) {
      case 'invited':
        return [`invite ${news.from} ${news.identifier}`]
      case 'connected':
        // The real one says so of joined conferences only.
        return this.machine.conferences.get(news.conference)?.selfNumber === 0
          ? []
          : [`connected ${news.conference}`]
      case 'message':
        return [`msg ${news.conference} ${news.from} ${news.as === 'chat' ? 0 : 1} ${hex(news.text)}`]
      case 'echoed':
        return [`echoed ${news.conference}`]
      case 'name':
        return [`name ${news.conference} ${news.of} ${hex(news.name)}`.trim()]
      case 'title':
        return news.by === this.machine.realKey
          ? []
          : [`title ${news.conference} ${news.by ?? '-'} ${hex(news.title)}`]
      default:
        return []
    }
  }

  #key(name: string): string {
    return this.#keys.get(name) ?? name
  }
}
