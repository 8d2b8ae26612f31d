import type { Backoff, BackoffContext, Millis } from '@holdfast/core'
import type { Reconnect } from '@holdfast/core/testing'

/** How somebody reconnects, with the defaults of that library. */
export interface Strategy {
  readonly name: string
  readonly reconnect: Reconnect
}

/** Attempts start from 0 as soon as a connection opens. */
const atOpen: Millis = 0.001

/** `grow` times as long after each end, from `least` to `most`. */
const growing =
  (least: Millis, grow: number, most: Millis): Backoff =>
  ({ attempt }) =>
    Math.min(least * grow ** attempt, most)

/** The default of a lifecycle. */
export const ours: Strategy = { name: 'holdfast', reconnect: () => ({}) }

/** What others do; all run in the same lifecycle, so that only the strategy differs. */
export const others: readonly Strategy[] = [
  {
    // partysocket 1.3.0, ws.js: 3 s, × 1.3, at most 10 s, no jitter; forgets after minUptime; connectionTimeout.
    name: 'partysocket 1.3.0',
    reconnect: () => ({ backoff: growing(3000, 1.3, 10_000), stableAfter: 5000, dialWithin: 4000 }),
  },
  {
    // reconnecting-websocket 4.4.0: as above, but each process draws its shortest delay, 1 to 5 s, once.
    name: 'reconnecting-websocket 4.4.0',
    reconnect: (random) => ({
      backoff: growing(1000 + random() * 4000, 1.3, 10_000),
      stableAfter: 5000,
      dialWithin: 4000,
    }),
  },
  {
    // socket.io-client 4.8.4, manager.js and contrib/backo2.js: 1 s, × 2, ± 50 %, capped after the jitter at 5 s.
    name: 'socket.io-client 4.8.4',
    reconnect: () => ({ backoff: backo2, stableAfter: atOpen, dialWithin: 20_000 }),
  },
  {
    // phoenix 1.8.16, socket.js, reconnectAfterMs: a table without jitter; reset in onConnOpen.
    name: 'phoenix 1.8.16',
    reconnect: () => ({
      backoff: ({ attempt }) => phoenixTable[attempt] ?? 5000,
      stableAfter: atOpen,
      dialWithin: 10_000,
    }),
  },
  {
    // @grpc/grpc-js 1.14.7, backoff-timeout.js and subchannel.js: at once, then 1 s, × 1.6, ± 20 %, at most 2 min.
    // With calls waiting, a lost connection is replaced at once; READY resets. Minimum connect timeout 20 s.
    name: '@grpc/grpc-js 1.14.7',
    reconnect: () => ({ backoff: grpc, stableAfter: atOpen, dialWithin: 20_000 }),
  },
  {
    // «Exponential Backoff And Jitter», AWS Architecture Blog 2015, decorrelated; base and cap are ours.
    name: 'AWS decorrelated jitter',
    reconnect: () => ({ backoff: decorrelated, stableAfter: atOpen }),
  },
  {
    // Synapse 1.66.0 over Twisted 22.4.0 (ReconnectingClientFactory): 0.1 s, × e, at most 1 s, normal jitter of
    // 11.96 %; reset when the worker has caught up, here taken to be a second. Connect timeout 30 s.
    name: 'Synapse 1.66.0',
    reconnect: () => ({ backoff: twisted(100, 1000), stableAfter: 1000, dialWithin: 30_000 }),
  },
]

function backo2(context: BackoffContext): Millis {
  const delay = 1000 * 2 ** context.attempt
  const drawn = context.random()
  const deviation = Math.floor(drawn * 0.5 * delay)
  const sign = Math.floor(drawn * 10) % 2 === 0 ? -1 : 1
  return Math.floor(Math.min(delay + sign * deviation, 5000))
}

const phoenixTable = [10, 50, 100, 150, 200, 250, 500, 1000, 2000]

function grpc(context: BackoffContext): Millis {
  const { attempt, previous } = context
  if (attempt === 0) return 0
  if (attempt === 1) return 1000
  return Math.min(previous * 1.6, 120_000) * (0.8 + 0.4 * context.random())
}

function decorrelated(context: BackoffContext): Millis {
  const base = 1000
  const most = 3 * Math.max(context.previous, base)
  return Math.min(30_000, base + context.random() * (most - base))
}

function twisted(initial: Millis, most: Millis): Backoff {
  return (context) => {
    const delay = Math.min((context.previous || initial) * Math.E, most)
    // Box and Muller's way to a normal distribution.
    const normal = Math.sqrt(-2 * Math.log(1 - context.random())) * Math.cos(2 * Math.PI * context.random())
    return Math.max(0, delay * (1 + 0.119626565582 * normal))
  }
}
