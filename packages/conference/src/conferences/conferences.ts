import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Env, Mark, Millis, RosterTime } from '@holdfast/core'
import { distinctUntilChanged, filter, map, type Observable, Subject, startWith } from 'rxjs'
import type {
  ConferenceNews,
  ConferencesCommand,
  ConferencesEffect,
  ConferencesInput,
  RefusedWhy,
} from '../group/events.js'
import { conferencesStep, emptyConferences, type Self } from '../group/machine.js'
import { isWorthSaving } from '../group/save.js'
import { type ConferencesMachine, type ConferencesRules, defaultRules } from '../group/types.js'
import { type ConferenceIdentifier, conferenceIdentifier, type RealKey } from '../wire/identity.js'
import { type ConferenceMessage, messageOf } from './conference-message.js'
import { type ConferenceView, type MemberView, viewConference } from './conference-view.js'
import type { FriendLinks } from './friend-links.js'
import { WatchedRosters } from './watched-rosters.js'

/** Options of {@link conferences}. */
export interface ConferencesOptions {
  readonly env: Env
  readonly self: Self
  readonly links: FriendLinks
  /** @defaultValue {@link defaultRules} */
  readonly rules?: ConferencesRules
  /**
   * Where identifiers of new conferences come from: nobody must be able to guess them.
   *
   * @defaultValue `randomBytes` of node:crypto
   */
  readonly randomBytes?: (count: number) => Uint8Array
}

/**
 * The conferences of one peer at work: the pure machine on real time, chance and links. One step after the other, each
 * carried out before the next; what is told comes afterwards, so that a subscriber may give commands.
 *
 * Most programs have them from {@link toxNode} or {@link toxClient}. Whoever brings links of their own begins here, hands
 * what happens on them to {@link Conferences.take}, and closes at the end.
 */
export function conferences(options: ConferencesOptions): Conferences {
  return new Conferences(options)
}

const ticksEvery: Millis = 250

/** News after which the members of a conference are not what they were. */
const ofMembers = new Set<ConferenceNews['kind']>([
  'opened',
  'connected',
  'joined',
  'left',
  'frozen',
  'thawed',
  'forgotten',
  'name',
])

/** See {@link conferences}. */
export class Conferences implements Disposable {
  readonly #options: ConferencesOptions
  readonly #begun: { readonly mark: Mark; readonly wall: Millis }
  readonly #events$ = new Subject<ConferenceNews>()
  readonly #messages$ = new Subject<ConferenceMessage>()
  readonly #changes$ = new Subject<void>()
  readonly #waiting: ConferencesInput[] = []
  readonly #told: (() => void)[] = []
  readonly #ticker: { cancel(): void }
  readonly #rosters: WatchedRosters
  #machine: ConferencesMachine
  #isStepping = false
  #isTelling = false
  #isClosed = false
  #refused: RefusedWhy | null = null

  /** @internal */
  constructor(options: ConferencesOptions) {
    this.#options = options
    const { clock } = options.env
    this.#begun = { mark: clock.mark(), wall: clock.wall() }
    this.#machine = emptyConferences(options.self)
    this.#rosters = new WatchedRosters(options.env, () => this.#machine)
    this.#ticker = clock.sweep(ticksEvery, () => this.take({ kind: 'tick' }))
  }

  /** Whether we are closing, or have closed: then every command is refused as `closed`. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What there is, as a value. */
  get machine(): ConferencesMachine {
    return this.#machine
  }

  /** All that happens, from now on. */
  get events$(): Observable<ConferenceNews> {
    return this.#events$
  }

  /** What is said, from now on, by us too. */
  get messages$(): Observable<ConferenceMessage> {
    return this.#messages$
  }

  /** Something has happened that an orderly program would save at once, lest a crash undo it. */
  get worthSaving$(): Observable<void> {
    return this.#changes$
  }

  /** Who is there, and who is frozen since when: now, and whenever it changes. Empty without such a conference. */
  peers$(conference: number): Observable<readonly MemberView[]> {
    return this.#events$.pipe(
      filter((news) => ofMembers.has(news.kind) && 'conference' in news && news.conference === conference),
      startWith(null),
      map(() => this.#machine.conferences.get(conference)),
      distinctUntilChanged(),
      map((one) => (one ? viewConference(one).members : [])),
    )
  }

  /** All conferences that we are in, or about to be. */
  list(): ConferenceView[] {
    return Array.from(this.#machine.conferences.values(), viewConference)
  }

  /** One of them; `null` if there is none of this number. */
  get(conference: number): ConferenceView | null {
    const found = this.#machine.conferences.get(conference)
    return found ? viewConference(found) : null
  }

  /** The number that a conference has in this run; `null` if we are not in it. */
  find(identifier: ConferenceIdentifier): number | null {
    for (const [number, one] of this.#machine.conferences) if (one.identifier === identifier) return number
    return null
  }

  /** Opens a conference with nobody else in it. Returns its number; `null` if there are 65,536 already, or {@link Conferences.isClosed}. */
  create(type: 'text' | 'audio' = 'text'): number | null {
    const { randomBytes = systemRandomBytes } = this.#options
    const identifier = conferenceIdentifier(type, randomBytes(32))
    return this.do({ kind: 'create', identifier }) === null ? this.find(identifier) : null
  }

  /** Takes up an invitation that was told as `invited`. That we are in is told as `connected`. */
  accept(from: RealKey, identifier: ConferenceIdentifier): RefusedWhy | null {
    return this.do({ kind: 'accept', from, identifier })
  }

  /** Forgets an invitation. The other side learns nothing of it. */
  decline(from: RealKey, identifier: ConferenceIdentifier): RefusedWhy | null {
    return this.do({ kind: 'decline', from, identifier })
  }

  /** Asks a friend in, who must be online. */
  invite(conference: number, friend: RealKey): RefusedWhy | null {
    return this.do({ kind: 'invite', conference, friend })
  }

  /** Says something: 1 to 1363 bytes of UTF-8. */
  say(conference: number, text: string): RefusedWhy | null {
    return this.do({ kind: 'say', conference, text, as: 'chat' })
  }

  /** Does something, as `/me` of a chat. */
  act(conference: number, text: string): RefusedWhy | null {
    return this.do({ kind: 'say', conference, text, as: 'action' })
  }

  /** Gives the conference another title: 1 to 128 bytes of UTF-8. */
  setTitle(conference: number, title: string): RefusedWhy | null {
    return this.do({ kind: 'set-title', conference, title })
  }

  /** Our own name in all conferences: at most 128 bytes of UTF-8. */
  setName(name: string): RefusedWhy | null {
    return this.do({ kind: 'set-name', name })
  }

  /** Leaves for good: the others forget us. Whoever comes back later needs no leaving. */
  leave(conference: number): RefusedWhy | null {
    return this.do({ kind: 'leave', conference })
  }

  /** Does what the application asks for; why not, or `null` if it was done. */
  do(command: ConferencesCommand): RefusedWhy | null {
    if (this.#isClosed) return 'closed'
    this.#isClosed = command.kind === 'close'
    this.#refused = null
    this.take(command)
    return this.#refused
  }

  /** Lets the machine take a step. Packets are lent for the call. */
  take(input: ConferencesInput): void {
    if (this.#isStepping) {
      this.#waiting.push(input.kind === 'packet' ? { ...input, bytes: Uint8Array.from(input.bytes) } : input)
      return
    }
    this.#isStepping = true
    try {
      let next: ConferencesInput | undefined = input
      while (next) {
        this.#step(next)
        next = this.#waiting.shift()
      }
    } finally {
      this.#isStepping = false
    }
    const refused = this.#refused
    this.#tell()
    // A subscriber may have been refused something else.
    this.#refused = refused
  }

  /** Takes no further steps by itself, and tells nothing more. To go with a word to the others, `do` `close` first. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#ticker.cancel()
    for (const subject$ of [this.#events$, this.#messages$, this.#changes$]) subject$.complete()
  }

  #step(input: ConferencesInput): void {
    const { env, rules = defaultRules } = this.#options
    const context = { at: this.#at(), random: () => env.random(), rules }
    const before = this.#machine
    const { state, effects } = conferencesStep(before, input, context)
    this.#machine = state
    this.#rosters.stepped(before, state)
    for (const effect of effects) this.#perform(effect, input)
    const isWorth = effects.some((effect) => effect.kind === 'tell' && isWorthSaving(effect.news))
    // Nobody is told of a leaving of our own.
    if (isWorth || before.conferences.size > state.conferences.size) {
      this.#told.push(() => this.#changes$.next())
    }
  }

  #perform(effect: ConferencesEffect, input: ConferencesInput): void {
    const { links } = this.#options
    switch (effect.kind) {
      case 'send': {
        links.send(effect.to, effect.packet)
        return
      }
      case 'send-lossy': {
        links.sendLossy(effect.to, effect.packet)
        return
      }
      case 'want': {
        links.want(effect.realKey, effect.dhtKey, `conference ${effect.conference}`)
        return
      }
      case 'release': {
        links.release(effect.realKey, `conference ${effect.conference}`)
        return
      }
      case 'refused':
        this.#refused = effect.why
        return
      case 'tell': {
        const { news } = effect
        this.#rosters.told(news)
        const message = messageOf(news, input, this.#machine, this.#options.env.clock.wall())
        this.#told.push(() => this.#events$.next(news))
        if (message) this.#told.push(() => this.#messages$.next(message))
      }
    }
  }

  /** In the order in which it happened, however subscribers go on. */
  #tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      for (let next = this.#told.shift(); next; next = this.#told.shift()) next()
    } finally {
      this.#isTelling = false
    }
  }

  /** The machine's clock has whole seconds (spec 1). */
  #at(): RosterTime {
    const { clock } = this.#options.env
    const { mark, wall } = this.#begun
    return { beat: seconds(clock.now()), stamp: seconds(wall + clock.since(mark)) }
  }
}

function seconds(ms: Millis): Millis {
  return Math.floor(ms / 1000) * 1000
}
