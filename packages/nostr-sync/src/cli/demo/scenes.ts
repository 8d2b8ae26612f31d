import { type DemoAct, type Show, showUntil as until, type Verdict } from '@holdfast/core/service'
import type { MovableClock } from '@holdfast/core/testing'
import type { NostrMirror } from '../../manager/nostr-mirror.js'
import type { RelayStatus } from '../../manager/status.js'
import type { EventSink } from '../../sink/types.js'
import type { EventStore } from '../../store/types.js'
import type { NostrEvent } from '../../wire/event.js'
import type { CountingVerifier } from './counting-verifier.js'
import type { DemoRelay } from './demo-relay.js'
import type { People } from './people.js'

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
  act: 'partition',
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

const sleep: Scene = {
  act: 'sleep',
  title: 'the host sleeps for an hour (the clock of this demonstration is moved)',
  async play(stage) {
    const { clock, elm, people } = stage
    clock.sleep(hourMs)
    const took = await untilHere(stage, elm, people.issues(1))
    await until(clock, () => differencesInAll(stage) === 0, patience, 'all to have the same events')
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
    const { clock, show, oak, elm, store, sinks, counting } = stage
    const stores = [oak.store, elm.store]
    await until(clock, () => differencesInAll(stage) === 0, patience).catch(() => 0)
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
export const scenes: readonly Scene[] = [firstSync, outage, comeBack, sleep, clockStep, comparison]
