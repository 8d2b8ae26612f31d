import type { Env, Member, NounRecord, SortedMap, WatchedRoster } from '@holdfast/core'
import { Subject } from 'rxjs'
import type { ConferenceNews } from '../group/events.js'
import type { ConferencesMachine, Peer } from '../group/types.js'
import type { RealKey } from '../wire/identity.js'

interface Watched extends WatchedRoster {
  readonly changes$: Subject<void>
}

/** Tells those who look on of the rosters that the machine holds as data, and of the moves in them. */
export class WatchedRosters {
  readonly #env: Env
  readonly #machine: () => ConferencesMachine
  readonly #watched = new Map<number, Watched>()

  constructor(env: Env, machine: () => ConferencesMachine) {
    this.#env = env
    this.#machine = machine
  }

  /** After a step. */
  stepped(before: ConferencesMachine, now: ConferencesMachine): void {
    if (before.conferences === now.conferences) return
    now.conferences.forEach(({ roster }, number) => {
      if (before.conferences.get(number)?.roster === roster) return
      const watched = this.#watched.get(number) ?? this.#begin(number)
      watched.changes$.next()
    })
    if (this.#watched.size === now.conferences.size) return
    for (const [number, { changes$ }] of this.#watched) {
      if (now.conferences.has(number)) continue
      changes$.complete()
      this.#watched.delete(number)
    }
  }

  /** What the machine tells. */
  told(news: ConferenceNews): void {
    if (
      news.kind !== 'joined' &&
      news.kind !== 'frozen' &&
      news.kind !== 'thawed' &&
      news.kind !== 'forgotten'
    )
      return
    const { kind, conference, who } = news
    const why = 'why' in news ? news.why : undefined
    this.#env.trace?.('roster', { name: this.#nameOf(conference), kind, key: short(who), why })
  }

  #begin(number: number): Watched {
    const find = ():
      | { live: SortedMap<number, Member<Peer>>; frozen: SortedMap<number, Member<Peer>> }
      | undefined => this.#machine().conferences.get(number)?.roster
    const watched: Watched = {
      get live() {
        return membersOf(find()?.live)
      },
      get frozen() {
        return membersOf(find()?.frozen)
      },
      changes$: new Subject(),
    }
    this.#watched.set(number, watched)
    const env = { ...this.#env, name: this.#nameOf(number) }
    env.trace?.('noun', { kind: 'roster', env, noun: watched } satisfies NounRecord)
    return watched
  }

  #nameOf(number: number): string {
    const identifier = this.#machine().conferences.get(number)?.identifier ?? ''
    return `conference ${number} ${identifier.slice(0, 8)}`
  }
}

/** Numbers tell members apart, keys whose they are. */
function membersOf(members: SortedMap<number, Member<Peer>> | undefined): Map<string, Member<Peer>> {
  const shown = new Map<string, Member<Peer>>()
  for (const [number, member] of members ?? []) shown.set(`${number} ${short(member.value.realKey)}`, member)
  return shown
}

function short(key: RealKey): string {
  return key.slice(0, 8)
}
