import { describe, expect, it, vi } from 'vitest'
import { duration, endText } from '../inspector-page/format.js'
import { Store } from '../inspector-page/store.js'
import type { InspectedEvent, InspectedLifecycle, PhaseChange } from '../src/inspector/types.js'

const hello = { program: 'test', pid: 1, node: 'v20', now: 1000 }
const changes: readonly PhaseChange[] = [
  [1, 'idle'],
  [2, 'dialing'],
  [3, 'handshaking'],
  [4, 'ready'],
  [5, 'waiting'],
]

/** A lifecycle after some of the changes, told of the last few. */
function life(moves: number, told: number): InspectedLifecycle {
  const [since, phase] = changes[moves] ?? [0, 'idle']
  return { id: 7, name: 'relay', phase, since, moves, history: changes.slice(moves + 1 - told, moves + 1) }
}

function event(seq: number): InspectedEvent {
  return { seq, at: seq, channel: 'link', kind: 'ended', name: 'relay' }
}

describe('what the page knows', () => {
  it.each([
    [
      'a snapshot, then the rest',
      [
        [2, 3, true],
        [4, 2, false],
      ],
    ],
    [
      'a change that the snapshot has already',
      [
        [4, 5, true],
        [4, 2, false],
      ],
    ],
    [
      'a change before its snapshot',
      [
        [3, 1, false],
        [4, 5, true],
      ],
    ],
    [
      'changes that overlap',
      [
        [1, 2, true],
        [3, 2, false],
        [4, 3, false],
      ],
    ],
  ] as const)('is the whole history of a lifecycle, told by %s', (_, messages) => {
    const store = new Store()
    store.apply({ hello })
    for (const [moves, told, isSnapshot] of messages) {
      store.apply({ lifecycles: [life(moves, told)], ...(isSnapshot && { snapshot: true }) })
    }
    expect(store.rows('lifecycles')).toEqual([life(4, 5)])
  })

  it('is void when the process begins anew', () => {
    const store = new Store()
    store.apply({ hello, events: [event(1)] })
    store.apply({ lifecycles: [life(1, 2)], snapshot: true })
    store.apply({ hello: { ...hello, pid: 2 } })
    expect([store.rows('lifecycles'), store.events, store.process?.pid]).toEqual([[], [], 2])
  })

  it('is of one moment while time is held', () => {
    vi.useFakeTimers({ now: 500 })
    const store = new Store()
    store.apply({ hello })
    vi.setSystemTime(600)
    expect(store.now).toBe(1100)
    store.hold(true)
    vi.setSystemTime(900)
    expect(store.now).toBe(1100)
    store.hold(false)
    expect(store.now).toBe(1400)
    vi.useRealTimers()
  })

  it('loses what is gone', () => {
    const store = new Store()
    store.apply({ hello, lifecycles: [life(1, 2)], snapshot: true })
    store.apply({ gone: [7, 8] })
    expect(store.count('lifecycles')).toBe(0)
  })

  it('has each event once, and counts those that were not told', () => {
    const store = new Store()
    store.apply({ hello, events: [event(3), event(4)] })
    store.apply({ events: [event(4), event(5)] })
    store.apply({ events: [event(9)] })
    expect([store.events.map(({ seq }) => seq), store.missed]).toEqual([[3, 4, 5, 9], 3])
  })

  it('forgets old events', () => {
    const store = new Store()
    store.apply({ hello })
    for (let n = 0; n < 100; n += 1)
      store.apply({ events: Array.from({ length: 100 }, (_, m) => event(100 * n + m + 1)) })
    expect(store.events.length).toBeLessThanOrEqual(6000)
    expect(store.events.at(-1)?.seq).toBe(10_000)
  })
})

describe('what the page says', () => {
  it.each([
    [-5, '0.0 s'],
    [9940, '9.9 s'],
    [61_000, '61 s'],
    [3_600_000, '60 min'],
    [86_400_000, '24 h'],
  ])('%d ms as %s', (ms, text) => expect(duration(ms)).toBe(text))

  it('an end in one line', () => {
    expect(
      endText({ kind: 'dial-failed', code: 'ECONNREFUSED', detail: 'nobody there', advice: 'backoff' }),
    ).toBe('dial-failed (ECONNREFUSED): nobody there → backoff')
    expect(endText({ kind: 'silent' })).toBe('silent')
  })
})
