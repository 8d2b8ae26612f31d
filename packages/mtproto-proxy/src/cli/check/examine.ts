import type { Clock, Dialer, Millis } from '@holdfast/core'
import { type AttemptResult, attempt, type Failed, type Target } from './attempt.js'
import { type ClockFinding, findClock } from './clock.js'

/** What is examined. */
export interface ExamineOptions {
  readonly clock: Clock
  readonly dialer: Dialer
  readonly target: Target
  readonly dcIds: readonly number[]
  /** How often each data centre is asked. */
  readonly repeat: number
  /** How long each attempt may take. */
  readonly within: Millis
}

/** What is known of one data centre by way of one proxy and protocol. */
export interface DataCenterReport {
  readonly dc: number
  readonly sent: number
  readonly answered: number
  /** Least, middle and most of each step, in milliseconds; `null` if nothing was answered. */
  readonly times: {
    readonly connect: Spread
    readonly handshake: Spread
    readonly answer: Spread
  } | null
  /** The last failure. */
  readonly failure: Failed | null
}

/** Least, median and most. */
type Spread = readonly [least: Millis, median: Millis, most: Millis]

/** What is known of one proxy by one protocol. */
export interface ProtocolReport {
  readonly server: string
  readonly port: number
  readonly protocol: Target['secret']['kind']
  readonly ok: boolean
  /** Why no data centre was asked further: what failed at once would fail everywhere. */
  readonly failure: Failed | null
  readonly clock: ClockFinding | null
  readonly dataCenters: readonly DataCenterReport[]
}

/** Asks every data centre for resPQ by one protocol, all at once and one round after another. */
export async function examine(options: ExamineOptions): Promise<ProtocolReport> {
  const { target, dcIds, repeat } = options
  const about = { server: target.server, port: target.port, protocol: target.secret.kind }
  const first = await tryOne(options, dcIds[0] ?? 2)
  if (first.kind === 'failed' && first.at !== 'packet') {
    const isClockSuspect =
      first.at === 'hello' && first.why !== 'not-tls' && target.secret.kind === 'fake-tls'
    const clock = isClockSuspect ? await clockOf(options) : null
    return { ...about, ok: false, failure: first, clock, dataCenters: [] }
  }
  const results = new Map<number, AttemptResult[]>(dcIds.map((dcId) => [dcId, []]))
  for (let round = 0; round < repeat; round += 1) {
    await Promise.all(
      [...results].map(async ([dcId, list], index) => {
        list.push(round === 0 && index === 0 ? first : await tryOne(options, dcId))
      }),
    )
  }
  const dataCenters = [...results].map(([dc, list]) => summarize(dc, list))
  const ok = dataCenters.every(({ sent, answered }) => sent === answered)
  return { ...about, ok, failure: null, clock: null, dataCenters }
}

function tryOne(
  { clock, dialer, target, within }: ExamineOptions,
  dcId: number,
  o: { readonly timestamp?: number; readonly goal?: 'hello' | 'answer' } = {},
): Promise<AttemptResult> {
  const { timestamp = nowOf(clock), goal = 'answer' } = o
  return attempt({ clock, dialer, target, dcId, within, timestamp, goal })
}

function clockOf(options: ExamineOptions): Promise<ClockFinding | null> {
  const dcId = options.dcIds[0] ?? 2
  return findClock(nowOf(options.clock), (timestamp) => tryOne(options, dcId, { timestamp, goal: 'hello' }))
}

function nowOf(clock: Clock): number {
  return Math.floor(clock.wall() / 1000)
}

function summarize(dc: number, results: readonly AttemptResult[]): DataCenterReport {
  const worked = results.filter((result) => result.kind === 'worked')
  const failed = results.filter((result) => result.kind === 'failed')
  const times =
    worked.length === 0
      ? null
      : {
          connect: spread(worked.map(({ connect }) => connect)),
          handshake: spread(worked.map(({ handshake }) => handshake)),
          answer: spread(worked.map(({ answer }) => answer)),
        }
  return { dc, sent: results.length, answered: worked.length, times, failure: failed.at(-1) ?? null }
}

function spread(values: readonly Millis[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number): Millis => sorted[Math.floor((sorted.length - 1) * part)] ?? 0
  return [at(0), at(0.5), at(1)]
}
