import {
  type DemoAct,
  showPause as pause,
  type Show,
  showUntil as until,
  type Verdict,
} from '@holdfast/core/service'
import type { MovableClock } from '@holdfast/core/testing'
import type { RelayEndpoint } from '../../endpoint/types.js'
import type { NostrMirror } from '../../manager/nostr-mirror.js'
import type { RelayStatus } from '../../manager/status.js'
import type { EventSink } from '../../sink/types.js'
import type { EventStore } from '../../store/types.js'
import type { NostrEvent } from '../../wire/event.js'
import type { CountingVerifier } from './counting-verifier.js'
import type { DemoRelay } from './demo-relay.js'
import type { People } from './people.js'
import { Reader } from './reader.js'

/** What the scenes play with. */
export interface Stage {
  readonly clock: MovableClock
  readonly show: Show
  /** The relay that stays. */
  readonly oak: DemoRelay
  /** The one that goes away. */
  readonly elm: DemoRelay
  readonly store: EventStore
  readonly mirror: NostrMirror
  /** Our own relay. */
  readonly endpoint: RelayEndpoint
  readonly sinks: readonly EventSink[]
  readonly counting: CountingVerifier
  readonly people: People
}

interface Scene {
  readonly act: DemoAct
  readonly title: string
  play(stage: Stage): Promise<Verdict[]>
}

const patience = 60_000
const hourMs = 3_600_000
const away = 3000
/** How long a relay may say nothing; usually a minute. */
export const hearWithin = 3000
/** More than kernels hold for a client that does not read. */
const longIssues = 160
const longBytes = 75_000
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** How our connection with a relay is. */
export function statusOf({ mirror }: Stage, { url }: DemoRelay): RelayStatus | undefined {
  return mirror.state.relays.find((relay) => relay.url === url)
}

/** Events that one of two stores has and the other has not. */
function differences(a: EventStore, b: EventStore): number {
  const lacking = (from: EventStore, to: EventStore): number =>
    from.query({}, { limit: 100_000, maxExamined: 1_000_000 }).events.filter(({ id }) => !to.has(id)).length
  return lacking(a, b) + lacking(b, a)
}

/** By how many events any relay and we differ. */
function differencesInAll({ oak, elm, store }: Stage): number {
  return differences(oak.store, store) + differences(elm.store, store)
}

/** Waits until all have the same events. They are compared once there are as many: to compare takes its time. */
function untilEven(stage: Stage): Promise<number> {
  const { clock, oak, elm, store } = stage
  const isEven = (): boolean =>
    oak.store.size === store.size && elm.store.size === store.size && differencesInAll(stage) === 0
  return until(clock, isEven, patience, 'all to have the same events')
}

const firstSync: Scene = {
  act: 'quiet',
  title: 'we know one relay, oak; a repository there lists us, and a second relay, elm',
  async play(stage) {
    const { clock, show, oak, elm, store, mirror, people } = stage
    const announcement = people.announce([oak.url, elm.url])
    const issues = people.oldIssues(200)
    await oak.publish(announcement, ...issues.slice(0, 120))
    await elm.publish(announcement, ...issues.slice(80))
    const began = clock.now()
    mirror.start()
    await until(clock, () => store.size === 201, patience)
    const took = clock.now() - began
    await until(clock, () => statusOf(stage, elm)?.status === 'connected', patience)
    await until(clock, () => statusOf(stage, oak)?.status === 'connected', patience)
    show.say(`${store.size} events fetched, of which each relay had a part`)
    return [
      {
        promised: 'a relay that a repository lists is found, and all of both is fetched',
        counted: `${store.size} events after ${seconds(took)}`,
        held: store.size === 201 && statusOf(stage, elm) !== undefined,
      },
    ]
  },
}

const outage: Scene = {
  act: 'kill',
  title: 'elm is gone without a word; people go on writing, here and there',
  async play(stage) {
    const { clock, show, oak, elm, store, people } = stage
    await elm.stop()
    await until(clock, () => statusOf(stage, elm)?.status !== 'connected', patience)
    const [bug] = people.issues(1)
    if (bug === undefined) throw new Error('nobody writes')
    await oak.publish(bug)
    const live = await until(clock, () => store.has(bug.id), patience)
    show.say(`an issue that came to oak is here after ${live.toFixed(0)} ms`)
    await oak.publish(people.comment(bug))
    return [
      {
        promised: 'meanwhile the other relay is followed',
        counted: `an event of oak's after ${live.toFixed(0)} ms`,
        held: live < 2000,
      },
    ]
  },
}

const comeBack: Scene = {
  act: 'kill',
  title: 'elm is back, with 20 new issues, and one that is dated yesterday',
  async play(stage) {
    const { clock, show, elm, store, people } = stage
    const missed: NostrEvent[] = people.issues(20)
    const late = people.issueOfYesterday()
    await elm.publish(...missed, late)
    const sentBefore = elm.sentEvents
    await elm.start()
    const caughtUp = await until(clock, () => missed.every(({ id }) => store.has(id)), patience)
    const wasEarly = store.has(late.id)
    const strategy = statusOf(stage, elm)?.strategy
    show.say(`${strategy}: asked since 15 minutes before it went, all 20 after ${seconds(caughtUp)}`)
    const found = await until(clock, () => store.has(late.id), patience)
    const reconciliations = statusOf(stage, elm)?.counts.negentropy.reconciled ?? 0
    show.say(`yesterday's was found by comparing, ${seconds(found)} later`)
    return [
      {
        promised: 'a relay that was away for a short time is only asked for what is new',
        counted: `${strategy}, ${missed.length} new after ${seconds(caughtUp)}; elm sent ${elm.sentEvents - sentBefore} of ${elm.store.size}`,
        held: strategy === 'quick-reconnect',
      },
      {
        promised: 'what its author dated before that is found nevertheless',
        counted: `by reconciliation ${seconds(found)} later, ${reconciliations} of them so far`,
        held: !wasEarly && reconciliations > 0,
      },
    ]
  },
}

const halfOpen: Scene = {
  act: 'half-open',
  title: 'half-open: the line to elm goes dead, and nobody is told',
  async play(stage) {
    const { clock, elm, people } = stage
    elm.network.freeze()
    const meanwhile = people.issues(5)
    const isDead = (): boolean => statusOf(stage, elm)?.status !== 'connected'
    const [noticed, took] = await Promise.all([
      until(clock, isDead, patience, 'the silence to be noticed'),
      untilHere(stage, elm, meanwhile),
    ])
    // Whoever else hangs on the dead line is told now: a minute is too long for a demonstration.
    elm.network.reset()
    return [
      {
        promised: `a relay that is silent for ${seconds(hearWithin)} is left, and what it got meanwhile is found`,
        counted: `left after ${seconds(noticed)}, ${meanwhile.length} events here ${seconds(took - noticed)} later`,
        held: noticed < 2 * hearWithin,
      },
    ]
  },
}

const partition: Scene = {
  act: 'partition',
  title: 'our network is gone for three seconds; people go on writing at oak and at elm',
  async play(stage) {
    const { clock, show, oak, elm, store, people } = stage
    const relays = [oak, elm]
    for (const { network } of relays) {
      network.rules.newcomers = 'refuse'
      network.reset()
    }
    const written = people.issues(20)
    await oak.publish(...written.slice(0, 10))
    await elm.publish(...written.slice(10))
    await pause(clock, away)
    const missing = written.filter(({ id }) => !store.has(id)).length
    for (const { network } of relays) network.rules.newcomers = 'forward'
    show.say(`the network is back; ${missing} events are missing here`)
    const took = await until(clock, () => written.every(({ id }) => store.has(id)), patience)
    return [
      {
        promised: 'after a partition what was written elsewhere is fetched',
        counted: `${missing} events, all here after ${seconds(took)}`,
        held: missing === written.length,
      },
    ]
  },
}

const slowReader: Scene = {
  act: 'slow-reader',
  title: `a slow reader: a client of our own relay stops reading while ${(longIssues * longBytes) / 1e6} MB come in`,
  async play({ clock, show, endpoint, oak, people }) {
    const [slow, quick] = [new Reader(endpoint.url), new Reader(endpoint.url)]
    try {
      await until(clock, () => slow.isFollowing && quick.isFollowing, patience, 'clients to follow')
      slow.stall()
      const issues = people.longIssues(longIssues, longBytes)
      await oak.publish(...issues)
      const took = await until(
        clock,
        () => quick.has(issues) === issues.length,
        patience,
        'a client to have all',
      )
      const had = slow.has(issues)
      show.say(`the slow reader has ${had} events of ${issues.length}, the other one has all`)
      slow.resume()
      await until(clock, () => slow.has(issues) === issues.length || slow.isClosed, patience)
      return [
        {
          promised: 'a client that does not read delays no other',
          counted: `${issues.length} events after ${seconds(took)}, the slow one has ${had}`,
          held: had < issues.length,
        },
        {
          promised: 'it has missed nothing once it reads again',
          counted: `${slow.has(issues)} of ${issues.length} events`,
          held: slow.has(issues) === issues.length,
        },
      ]
    } finally {
      await Promise.all([slow, quick].map((reader) => reader[Symbol.asyncDispose]()))
    }
  },
}

const sleep: Scene = {
  act: 'sleep',
  title: 'the host sleeps for an hour (the clock of this demonstration is moved)',
  async play(stage) {
    const { clock, elm, people } = stage
    clock.sleep(hourMs)
    const took = await untilHere(stage, elm, people.issues(1))
    await untilEven(stage)
    return [
      {
        promised: 'after an hour of sleep both relays are followed again',
        counted: `a new event of elm's after ${seconds(took)}`,
        held: true,
      },
    ]
  },
}

const clockStep: Scene = {
  act: 'clock-step',
  title: 'the wall clock is set back by a day (the clock of this demonstration is moved)',
  async play(stage) {
    const { clock, oak, elm, people } = stage
    clock.setWall(-24 * hourMs)
    const [first, second] = people.issues(2)
    if (first === undefined || second === undefined) throw new Error('nobody writes')
    const took = Math.max(await untilHere(stage, oak, [first]), await untilHere(stage, elm, [second]))
    return [
      {
        promised: 'what is dated before all that we asked for is found once the clock was set',
        counted: `an event of each relay, after ${seconds(took)}`,
        held: true,
      },
    ]
  },
}

/** Somebody publishes there; returns how long it took until it was here. */
async function untilHere(
  { clock, store }: Stage,
  relay: DemoRelay,
  events: readonly NostrEvent[],
): Promise<number> {
  await relay.publish(...events)
  const what = `events of ${relay.name}`
  return await until(clock, () => events.every(({ id }) => store.has(id)), patience, what)
}

const comparison: Scene = {
  act: 'goodbye',
  title: 'all three stores are compared, event by event',
  async play(stage) {
    const { show, oak, elm, store, sinks, counting } = stage
    const stores = [oak.store, elm.store]
    await untilEven(stage).catch(() => 0)
    const differ = differencesInAll(stage)
    const passedOn = sinks.reduce((sum, { stats }) => sum + stats.delivered, 0)
    show.say(`what we saved was passed on to both: ${passedOn} times a relay said that it has the event now`)
    return [
      {
        promised: 'in the end oak, elm and we have the same events',
        counted: `${[store, ...stores].map(({ size }) => size).join(', ')} events, ${differ} differ`,
        held: differ === 0,
      },
      {
        promised: 'a signature is checked once, however many relays send the event',
        counted: `${counting.checked} events, ${counting.repeated} checked again`,
        held: counting.repeated === 0,
      },
    ]
  },
}

/** What happens, in this order. */
export const scenes: readonly Scene[] = [
  firstSync,
  outage,
  comeBack,
  halfOpen,
  partition,
  slowReader,
  sleep,
  clockStep,
  comparison,
]
