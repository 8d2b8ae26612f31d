/** What a change of state takes, everybody told. */
import { admission, type Clock, end, lifecycle, type Timer } from '@holdfast/core'
import { testEnv, VirtualClock } from '@holdfast/core/testing'
import PartySocket from 'partysocket/ws'
import { BehaviorSubject, defer, distinctUntilChanged, retry, Subject, take } from 'rxjs'
import type { Benchmark } from '../../../bench/benchmark.js'
import { FakeSocket, fakeWebSocket } from './fake-socket.js'
import { StubDialer } from './stub-link.js'
import { nsPerCall } from './time-calls.js'

const rounds = 2000
let told = 0
const tell = (): void => {
  told += 1
}

/** Runs `round` often enough, and divides its time by what one subscriber is told in it. */
function perTransition(round: () => void): Record<string, number> {
  round()
  told = 0
  round()
  const each = told / 2
  if (each === 0) throw new Error('nothing was told')
  return { 'two subscribers': nsPerCall(rounds, round) / each }
}

/** Holds one timer, which is all that one lifecycle has; so it is not the clock that is measured. */
class OneTimerClock extends VirtualClock implements Clock {
  #due: () => void = () => undefined
  readonly #timer: Timer = { cancel: () => undefined, unref: () => this.#timer }

  override after(_ms: number, fn: () => void): Timer {
    this.#due = fn
    return this.#timer
  }

  /** Lets the time of the timer come. */
  fire(): void {
    this.advance(30_000)
    this.#due()
  }
}

/** waiting → dialing (twice: with its link) → handshaking → ready → waiting. */
function ofLifecycle(): Record<string, number> {
  const clock = new OneTimerClock()
  const dialer = new StubDialer()
  const made = lifecycle({
    env: testEnv({ clock, admission: admission({ clock, perSecond: 1e9 }) }),
    dialer,
    endpoints: [{ uri: 'memory:bench' }],
    protocol: (scope) => {
      scope.ready()
      return {}
    },
  })
  made.state$.subscribe(tell)
  made.state$.subscribe(tell)
  made.start()
  const lost = end('closed-by-peer')
  return perTransition(() => {
    dialer.last?.sink.ended(lost)
    clock.fire()
  })
}

/** The same round by hand: a pipeline that retries, and a status beside it. */
function ofPipeline(): Record<string, number> {
  const status$ = new BehaviorSubject({ phase: 'idle' })
  const state$ = status$.pipe(distinctUntilChanged())
  state$.subscribe(tell)
  state$.subscribe(tell)
  const due$ = new Subject<void>()
  let lose = (_why: Error): void => undefined
  defer(() => {
    status$.next({ phase: 'dialing' })
    const link$ = new Subject<never>()
    lose = (why) => link$.error(why)
    status$.next({ phase: 'handshaking' })
    status$.next({ phase: 'ready' })
    return link$
  })
    .pipe(
      retry({
        delay: () => {
          status$.next({ phase: 'waiting' })
          return due$.pipe(take(1))
        },
      }),
    )
    .subscribe()
  const why = new Error('lost')
  return perTransition(() => {
    lose(why)
    due$.next()
  })
}

/** Its reconnecting waits for real timers, so only the telling is measured. */
async function ofPartySocket(): Promise<Record<string, number>> {
  const socket = new PartySocket('ws://127.0.0.1', [], { WebSocket: fakeWebSocket })
  socket.addEventListener('message', () => tell())
  socket.addEventListener('message', () => tell())
  await new Promise((resolve) => setTimeout(resolve, 50))
  const event = { type: 'message', data: '' }
  return perTransition(() => FakeSocket.last.onmessage?.(event))
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'a transition of a lifecycle, its link and timers included',
    figures: { 'two subscribers': { unit: 'ns', better: 'less', limit: 1000 } },
    subjects: [
      { name: 'holdfast', measure: ofLifecycle },
      { name: 'rxjs 7.8.2, retry and BehaviorSubject', measure: ofPipeline },
      { name: 'partysocket 1.3.0, event dispatch only', measure: ofPartySocket },
    ],
  },
]
