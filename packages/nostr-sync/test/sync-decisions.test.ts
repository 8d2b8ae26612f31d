import { fc, test } from '@fast-check/vitest'
import { end } from '@holdfast/core'
import {
  adviseRelay,
  afterFailure,
  afterSuccess,
  type ConnectionStatus,
  capAfterComplaint,
  chooseStrategy,
  computeActions,
  consolidationThreshold,
  delayAfter,
  type HealthRecord,
  HistoricQueue,
  healthValues,
  historicRoom,
  isIdle,
  isRateLimited,
  needsConsolidation,
  persistentFault,
  type RateLimit,
  type RelayUse,
  rateLimitHit,
  relayBackoff,
  relayHealth,
  Strikes,
  shouldForget,
  strategySteps,
  syncEnd,
  syncItems,
  waitAfterComplaint,
  waitAfterFailures,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { rules } from './support/vectors.js'

const relay = 'wss://relay.example'

describe('the three-way diff', () => {
  it.each(rules.threeWayDiff)(
    'R17, R18: $name',
    ({ target, pending, pendingBatches, confirmed, status, expect: wanted }) => {
      const itemsOf = (items: { repos: readonly string[]; roots: readonly string[] } | null | undefined) =>
        syncItems({ repos: items?.repos ?? [], rootEvents: items?.roots ?? [] })
      const batches = pendingBatches ?? [pending]
      const progress =
        status === null
          ? undefined
          : {
              status: status as ConnectionStatus,
              pending: batches.map(itemsOf),
              confirmed: itemsOf(confirmed),
            }
      const actions = computeActions([[relay, itemsOf(target)]], () => progress)
      expect(actions).toEqual(wanted === null ? [] : [{ relay, items: itemsOf(wanted) }])
    },
  )

  it.each(['disconnected', 'connecting', 'disconnecting'] as const)(
    'R18: nothing is asked while %s',
    (status) => {
      const target = syncItems({ repos: ['a'] })
      expect(
        computeActions([[relay, target]], () => ({ status, pending: [], confirmed: syncItems() })),
      ).toEqual([])
    },
  )

  it('R15: a repository whose announcement was held is asked for anew once it is wanted in full', () => {
    const progress = {
      status: 'connected',
      pending: [],
      confirmed: syncItems({ stateRepos: ['a'] }),
    } as const
    const target = syncItems({ repos: ['a'] })
    expect(computeActions([[relay, target]], () => progress)).toEqual([{ relay, items: target }])
  })
})

describe('the choice of a strategy', () => {
  it.each(rules.reconnectStrategy)(
    'R40, R45: $name',
    ({ state, strategy, since, bufferSecs, windowSecs }) => {
      const {
        lastConnected,
        disconnectedAt,
        announcementsSynced = false,
        historicWatermark = null,
        now,
      } = state
      const resume = { lastConnected, disconnectedAt, announcementsSynced, watermark: historicWatermark }
      const chosen = chooseStrategy(resume, now, { window: windowSecs, buffer: bufferSecs })
      expect(chosen.kind.replace('-', '_')).toBe(strategy)
      if (chosen.kind === 'quick-reconnect')
        expect({ layer1Since: chosen.announcementsSince, layer23Since: chosen.itemsSince }).toEqual(since)
    },
  )

  it('R45: without a watermark there is nothing to resume from', () => {
    const state = { lastConnected: 1, disconnectedAt: 5, announcementsSynced: true, watermark: null }
    expect(chooseStrategy(state, 6)).toEqual({ kind: 'fresh-start', why: 'nothing-to-resume' })
  })

  const seconds = fc.nat(10_000)

  test.prop([seconds, seconds, seconds, seconds])(
    'R45: a quick reconnect never asks for less than what came after the watermark and after the disconnect',
    (lastConnected, disconnectedAt, watermark, now) => {
      const chosen = chooseStrategy(
        { lastConnected, disconnectedAt, announcementsSynced: true, watermark },
        now,
      )
      if (chosen.kind !== 'quick-reconnect') return
      expect(chosen.itemsSince).toBeLessThanOrEqual(Math.max(0, watermark - 900))
      expect(chosen.itemsSince).toBeLessThanOrEqual(Math.max(0, disconnectedAt - 900))
    },
  )

  it('R41: a fresh start forgets, and recomputes', () => {
    expect(strategySteps({ kind: 'fresh-start', why: 'first-time' })).toEqual([
      'clear-pending',
      'clear-confirmed',
      'announcements-live',
      'announcements-historic',
      'compute-actions',
    ])
  })

  it('R42, R46: a quick reconnect catches up on what is confirmed, then on what is new, and reconciles at the end', () => {
    expect(strategySteps({ kind: 'quick-reconnect', announcementsSince: 1, itemsSince: 1 })).toEqual([
      'clear-pending',
      'announcements-live',
      'announcements-historic',
      'confirmed-live',
      'confirmed-historic',
      'compute-actions',
      'reconcile',
    ])
  })
})

describe('the end of the historic sync', () => {
  const done = { pendingBatches: 0, hasFailures: false, quietFor: 6000, selfCaughtUp: true }

  it.each([
    ['connected', {}],
    ['connected-with-failures', { hasFailures: true }],
    ['syncing', { pendingBatches: 1, quietFor: 0 }],
    ['syncing', { quietFor: 5999 }],
    ['syncing', { selfCaughtUp: false }],
  ] as const)('R57: %s, %j', (expected, change) => {
    expect(syncEnd({ ...done, ...change })).toBe(expected)
  })

  it('R57: what fails is asked for again after ten minutes, then more and more rarely, but once a day', () => {
    const minutes = [0, 1, 7, 8, 5000].map((failures) => waitAfterFailures(failures) / 60_000)
    expect(minutes).toEqual([10, 20, 1280, 1440, 1440])
  })
})

describe('consolidation', () => {
  it('R49: begins beyond 70 subscriptions, or seven tenths of what the relay takes', () => {
    expect([undefined, 200, 100, 50, 10, 1].map((max) => consolidationThreshold(max))).toEqual([
      70, 70, 70, 35, 7, 1,
    ])
    expect(needsConsolidation(60, 10, 70)).toBe(false)
    expect(needsConsolidation(60, 11, 70)).toBe(true)
  })

  it('R85: a relay that complains gets a tenth less', () => {
    expect([200, 32, 5, 1].map(capAfterComplaint)).toEqual([180, 28, 4, 1])
  })

  it('R51: only so many historic requests are open at once, none while the relay wants quiet', () => {
    const queue = new HistoricQueue<number>(() => 2)
    expect(queue.add([1, 2, 3, 4])).toEqual([1, 2])
    expect(queue.finished()).toEqual([3])
    queue.pause()
    expect(queue.finished()).toEqual([])
    expect(queue.add([5])).toEqual([])
    expect(queue.resume()).toEqual([4])
    expect([queue.open, queue.waiting]).toEqual([2, 1])
  })

  it('R51, R85: historic requests take the room that the relay has beside the live ones, and one at least', () => {
    expect(historicRoom(4, 50)).toBe(4)
    expect(historicRoom(4, 7, 10)).toBe(3)
    expect(historicRoom(4, 12, 10)).toBe(1)
  })

  it('R85: a relay that complains again and again is asked ever more rarely', () => {
    expect([0, 1, 5, 6, 1000].map(waitAfterComplaint)).toEqual([1000, 2000, 32_000, 60_000, 60_000])
  })
})

describe('backoff', () => {
  it.each(rules.backoff)(
    'R79: after $failures failures, $baseSecs to $maxSecs',
    ({ failures, baseSecs, maxSecs, delaySecs }) => {
      expect(delayAfter(failures, baseSecs, maxSecs)).toBe(delaySecs)
    },
  )

  const context = { previous: 0, why: end('dial-failed'), random: () => 0.5 }
  const reached = (sinceReady: number | null) => ({ phase: 'dialing', lasted: 5, sinceReady }) as const
  const hour = 3_600_000

  test.prop([fc.nat(8), fc.double({ min: 0, max: 0.999, noNaN: true })])(
    'R79: is spread by a fifth',
    (attempt, chance) => {
      const delay = relayBackoff()({ ...context, attempt, reached: reached(null), random: () => chance })
      const middle = 5000 * 2 ** attempt
      expect(delay).toBeGreaterThanOrEqual(0.8 * middle)
      expect(delay).toBeLessThanOrEqual(1.2 * middle)
    },
  )

  it('R80: a relay without success for a day is tried once a day', () => {
    const backoff = relayBackoff()
    expect(backoff({ ...context, attempt: 30, reached: reached(24 * hour) })).toBe(hour)
    expect(backoff({ ...context, attempt: 30, reached: reached(24 * hour + 1) })).toBe(24 * hour)
  })

  it('R80: a relay that was never reached counts from the first attempt', () => {
    const backoff = relayBackoff()
    const delays = Array.from({ length: 60 }, (_, attempt) =>
      backoff({ ...context, attempt, reached: reached(null) }),
    )
    const firstDead = delays.indexOf(24 * hour)
    const before = delays.slice(0, firstDead).reduce<number>((sum, delay) => sum + Number(delay), 0)
    expect(before).toBeGreaterThan(24 * hour)
    expect(before).toBeLessThan(26 * hour)
  })
})

describe('health', () => {
  const fine: HealthRecord = {
    isConnected: true,
    failuresInRow: 0,
    failingSince: null,
    recoveredAt: null,
    limitedUntil: null,
  }
  const now = 1_000_000_000
  const day = 86_400_000

  it.each([
    ['healthy', {}],
    ['disconnected', { isConnected: false }],
    ['degraded', { isConnected: false, failuresInRow: 1, failingSince: now - 1 }],
    ['degraded', { recoveredAt: now - 299_999 }],
    ['healthy', { recoveredAt: now - 300_000 }],
    ['dead', { isConnected: false, failuresInRow: 9, failingSince: now - day - 1 }],
    ['degraded', { isConnected: false, failuresInRow: 9, failingSince: now - day }],
    ['rate-limited', { limitedUntil: now + 1, failuresInRow: 9, failingSince: now - 2 * day }],
    ['healthy', { limitedUntil: now }],
  ] as const)('R81: %s, %j', (expected, change) => {
    expect(relayHealth({ ...fine, ...change }, now)).toBe(expected)
  })

  it('R81: has the values that metrics show', () => {
    expect(healthValues).toEqual({ healthy: 1, disconnected: 2, degraded: 3, dead: 4, 'rate-limited': 5 })
  })

  it('R82: a success ends a run of failures, and the recovery is remembered', () => {
    const failing = afterFailure(afterFailure(fine, now), now + 5)
    expect(failing).toMatchObject({ failuresInRow: 2, failingSince: now, isConnected: false })
    const recovered = afterSuccess(failing, now + 10)
    expect(recovered).toMatchObject({ failuresInRow: 0, failingSince: null, recoveredAt: now + 10 })
    expect(relayHealth(recovered, now + 20)).toBe('degraded')
    expect(afterSuccess(recovered, now + 50)).toEqual(recovered)
  })
})

describe('rate limits', () => {
  const second = 1000
  const after = (...hits: number[]): RateLimit | null =>
    hits.reduce<RateLimit | null>((limit, at) => rateLimitHit(limit, at * second), null)

  it('R84: the relay gets quiet for 65 seconds', () => {
    expect(isRateLimited(null, 0)).toBe(false)
    expect(isRateLimited(after(0), 64_999)).toBe(true)
    expect(isRateLimited(after(0), 65_000)).toBe(false)
  })

  it('R84: a second hit within ten minutes doubles that, up to a quarter of an hour', () => {
    expect(after(0, 100)?.coolDown).toBe(130_000)
    expect(after(0, 100, 300)?.coolDown).toBe(260_000)
    expect(after(0, 601)?.coolDown).toBe(65_000)
    expect(after(0, 66, 250, 600, 1200, 1800)?.coolDown).toBe(900_000)
  })

  it('R84: complaints during the quiet do not double it', () => {
    expect(after(0, 1, 2, 3)).toEqual({ until: 68_000, lastHit: 3000, coolDown: 65_000 })
  })

  it('R83: what the relay asks for counts if it is longer', () => {
    expect(rateLimitHit(null, 0, {}, 120_000).until).toBe(120_000)
    expect(rateLimitHit(null, 0, {}, 10).until).toBe(65_000)
  })
})

describe('lasting faults', () => {
  it.each([
    ['name', 'ENOTFOUND'],
    ['name', 'EAI_AGAIN'],
    ['certificate', 'CERT_HAS_EXPIRED'],
    ['certificate', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [null, 'ECONNREFUSED'],
    [null, 'ECONNRESET'],
    [null, 'ETIMEDOUT'],
    [null, 1006],
    [null, undefined],
  ])('R87: %s: %s', (expected, code) => {
    expect(persistentFault(end('dial-failed', { code }))).toBe(expected)
  })

  it('R87: are tried hourly, protocol errors too', () => {
    expect(adviseRelay(end('dial-failed', { code: 'ENOTFOUND' }))).toEqual({ kind: 'after', ms: 3_600_000 })
    expect(adviseRelay(end('protocol-error'))).toEqual({ kind: 'after', ms: 3_600_000 })
    expect(adviseRelay(end('reset-by-peer'))).toEqual({ kind: 'backoff' })
  })

  it('R83: a relay that is too busy for the handshake says when', () => {
    expect(adviseRelay(end('handshake-refused', { code: 429 }), 300_000)).toEqual({
      kind: 'after',
      ms: 300_000,
    })
    expect(adviseRelay(end('handshake-refused', { code: 503 }))).toEqual({ kind: 'after', ms: 65_000 })
  })
})

describe('relays that are of no use any more', () => {
  const idle: RelayUse = {
    isBootstrap: false,
    status: 'connected',
    hasSynced: true,
    target: syncItems(),
    pendingBatches: 0,
    confirmed: syncItems(),
  }

  it('R33: are forgotten after a minute', () => {
    expect(shouldForget(idle, 59_999)).toBe(false)
    expect(shouldForget(idle, 60_000)).toBe(true)
    expect(shouldForget({ ...idle, status: 'disconnected', hasSynced: false }, 60_000)).toBe(true)
  })

  it.each([
    ['R34: a bootstrap relay', { isBootstrap: true }],
    ['R33: one that is connecting', { status: 'connecting' }],
    ['R33: one in its first sync', { hasSynced: false }],
    ['R33: one with targets', { target: syncItems({ repos: ['a'] }) }],
    ['R33: one with a batch in flight', { pendingBatches: 1 }],
    ['R33: one with confirmed items', { confirmed: syncItems({ rootEvents: ['a'] }) }],
  ] as const)('%s is kept', (_name, change) => {
    expect(isIdle({ ...idle, ...change })).toBe(false)
  })
})

describe('events that nobody asked for', () => {
  it('R64: the third within a minute is reason to leave', () => {
    const events = new Strikes()
    expect([0, 30_000, 60_000, 89_999].map((at) => events.note(at))).toEqual([false, false, false, true])
  })
})
