import { fc, test } from '@fast-check/vitest'
import { type Member, type Roster, type RosterChange, type RosterOptions, roster } from '@holdfast/core'
import { type TestEnv, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

const minute = 60_000

/** A roster, its clock, and what its hooks and its stream have told. */
function opened(options: Partial<RosterOptions<string, number>> = {}) {
  const env = (options.env ?? testEnv()) as TestEnv
  const told: string[] = []
  const peers = roster<string, number>({
    env,
    onFreeze: (key, value, why) => told.push(`${key} ${value} frozen: ${why}`),
    onThaw: (key, value, frozenFor) => told.push(`${key} ${value} thawed after ${frozenFor}`),
    onForget: (key, value, why) => told.push(`${key} ${value} forgotten: ${why}`),
    ...options,
  })
  return { env, clock: env.clock, told, peers }
}

const keysOf = (members: ReadonlyMap<string, unknown>): string => [...members.keys()].join(' ')

describe('a member', () => {
  it('I23: joins, freezes and thaws with the value it came with', () => {
    const { clock, peers, told } = opened()
    expect([peers.join('ann', 1), peers.join('ann', 2), peers.touch('ann')]).toEqual([
      'joined',
      'already-live',
      'live',
    ])
    expect([peers.freeze('ann', 'left'), peers.freeze('ann', 'again')]).toEqual([true, false])
    clock.advance(500)
    expect(peers.thaw('ann')).toEqual({ value: 1, frozenFor: 500 })
    expect(peers.thaw('ann')).toBeNull()
    peers.freeze('ann', 'left')
    expect([peers.join('ann', 3), peers.live.get('ann')?.value]).toEqual(['thawed', 1])
    expect(told).toEqual([
      'ann 1 frozen: left',
      'ann 1 thawed after 500',
      'ann 1 frozen: left',
      'ann 1 thawed after 0',
    ])
  })

  it('I23: thaws once by a touch; a stranger stays one', () => {
    const { peers, told } = opened()
    peers.join('ann', 1)
    peers.freeze('ann', 'left')
    expect([peers.touch('ann'), peers.touch('ann'), peers.touch('bob')]).toEqual([
      'thawed',
      'live',
      'unknown',
    ])
    expect(told.length).toBe(2)
  })

  it('gets another value wherever it is, and is forgotten from wherever it is', () => {
    const { peers, told } = opened()
    peers.join('ann', 1)
    peers.join('bob', 2)
    peers.freeze('bob', 'left')
    expect([peers.update('ann', 3), peers.update('bob', 4), peers.update('cid', 5)]).toEqual([
      true,
      true,
      false,
    ])
    expect([peers.forget('ann'), peers.forget('bob'), peers.forget('bob')]).toEqual([true, true, false])
    expect(told.slice(1)).toEqual(['ann 3 forgotten: asked', 'bob 4 forgotten: asked'])
  })
})

describe('the maps of a roster', () => {
  it('I22: never yield while they are iterated who has left since, nor who has come', () => {
    const { peers } = opened()
    for (const key of ['ann', 'bob', 'cid', 'dan']) peers.join(key, 1)
    const seen: string[] = []
    for (const key of peers.live.keys()) {
      seen.push(key)
      if (key !== 'ann') continue
      peers.freeze('bob', 'sending failed')
      peers.forget('cid')
      peers.join('eve', 1)
    }
    expect(seen).toEqual(['ann', 'dan'])
    const frozen: string[] = []
    peers.freeze('ann', 'left')
    peers.frozen.forEach((_, key) => {
      frozen.push(key)
      peers.thaw('bob')
    })
    expect(frozen).toEqual(['ann'])
  })

  it('are the roster as it is, however long somebody holds on to them', () => {
    const { peers } = opened()
    const { live, frozen } = peers
    peers.join('ann', 1)
    peers.join('bob', 2)
    peers.freeze('bob', 'left')
    expect([live.size, frozen.size, live.has('bob'), frozen.has('bob')]).toEqual([1, 1, false, true])
    expect([...live.values()].map(({ value }) => value)).toEqual([1])
    expect([...live.entries(), ...frozen].length).toBe(2)
    expect(JSON.stringify({ live })).toContain('"ann"')
  })
})

describe('retention', () => {
  it('I22: is enforced by a sweep, and on whoever is named', () => {
    const { clock, peers, told } = opened({ keep: () => ({ for: 15 * minute }) })
    for (const key of ['ann', 'bob']) {
      peers.join(key, 1)
      peers.freeze(key, 'left')
    }
    clock.advance(15 * minute)
    peers.sweep()
    expect(keysOf(peers.frozen)).toBe('ann bob')
    clock.advance(1)
    expect(peers.touch('ann')).toBe('unknown')
    expect(peers.join('ann', 2)).toBe('joined')
    expect([peers.thaw('bob'), peers.frozen.size]).toEqual([null, 0])
    expect(told.slice(2)).toEqual(['ann 1 forgotten: expired', 'bob 1 forgotten: expired'])
  })

  it('I22: keeps no more than the limit, which may change, and lets go in the order asked for', () => {
    let max = 2
    const { peers } = opened({ keep: () => ({ max }), evictFirst: (a, b) => a.value - b.value })
    for (const [key, value] of [
      ['ann', 3],
      ['bob', 1],
      ['cid', 2],
    ] as const) {
      peers.join(key, value)
      peers.freeze(key, 'left')
    }
    expect(keysOf(peers.frozen)).toBe('ann cid')
    max = 1
    peers.sweep()
    expect(keysOf(peers.frozen)).toBe('ann')
  })

  it('I23: restored members start frozen, since they were or since their last activity', () => {
    const env = testEnv()
    const now = env.clock.wall()
    const restore: (readonly [string, Member<number>])[] = [
      ['ann', { value: 1, lastActive: now - 100 }],
      ['bob', { value: 2, lastActive: now - 900, frozen: { since: now - 500, why: 'left' } }],
      ['old', { value: 3, lastActive: now - 2000 }],
    ]
    const { peers, told } = opened({ env, restore, keep: () => ({ for: 1000 }) })
    expect([keysOf(peers.live), keysOf(peers.frozen)]).toEqual(['', 'ann bob'])
    expect([peers.thaw('ann'), peers.thaw('bob')]).toEqual([
      { value: 1, frozenFor: 100 },
      { value: 2, frozenFor: 500 },
    ])
    expect(told[0]).toBe('old 3 forgotten: expired')
  })
})

describe('a roster that sweeps itself', () => {
  it('I24: freezes the silent, does not hold the process, and is closed', async () => {
    const { clock, peers, told } = opened({ freezeAfter: minute })
    peers.join('ann', 1)
    peers.join('bob', 2)
    clock.advance(40_000)
    peers.touch('bob')
    clock.advance(34_999)
    expect(told).toEqual(['ann 1 frozen: silent'])
    expect(clock.pending).toBe(0)
    await peers[Symbol.asyncDispose]()
    expect(clock.nextAt).toBeNull()
    clock.advance(10 * minute)
    expect(keysOf(peers.live)).toBe('bob')
  })

  it('I24: takes time asleep for no silence, and counts it for retention', () => {
    const { clock, peers, told } = opened({ freezeAfter: minute, keep: () => ({ for: 15 * minute }) })
    peers.join('ann', 1)
    peers.join('bob', 2)
    peers.freeze('bob', 'left')
    clock.sleep(60 * minute)
    clock.advance(15_000)
    expect(told.slice(1)).toEqual(['bob 2 forgotten: expired'])
    expect(keysOf(peers.live)).toBe('ann')
    peers.close()
  })

  it('I24: does not notice when somebody sets the clock', () => {
    const { clock, peers, told } = opened({ freezeAfter: minute, keep: () => ({ for: 15 * minute }) })
    peers.join('ann', 1)
    peers.freeze('ann', 'left')
    clock.stepWall(86_400_000)
    clock.advance(minute)
    clock.stepWall(-2 * 86_400_000)
    expect(peers.thaw('ann')).toEqual({ value: 1, frozenFor: minute })
    expect(told.length).toBe(2)
    peers.close()
  })

  it('I24: reads what has arrived while its loop stood still before it calls anybody silent', () => {
    const { clock, peers, told } = opened({ freezeAfter: minute })
    peers.join('ann', 1)
    peers.join('bob', 2)
    clock.stall(5 * minute)
    clock.advance(0)
    peers.touch('ann')
    clock.advance(15_000)
    expect(told).toEqual(['bob 2 frozen: silent'])
    peers.close()
  })
})

describe('whoever watches a roster', () => {
  it('hears of each change after it was made, and may act on it', () => {
    const traced: object[] = []
    const env = {
      ...testEnv(),
      trace: (channel: string, record: object) => channel === 'noun' || traced.push(record),
    } as TestEnv
    const { peers } = opened({ env })
    const heard: RosterChange<string, number>[] = []
    let completed = 0
    peers.changes$.subscribe({ next: (change) => heard.push(change), complete: () => (completed += 1) })
    peers.changes$.subscribe(({ kind, key }) => {
      if (kind === 'joined') peers.freeze(key, 'not wanted')
      if (kind === 'frozen') expect(peers.frozen.has(key)).toBe(true)
    })
    peers.join('ann', 1)
    expect(heard).toEqual([
      { kind: 'joined', key: 'ann', value: 1 },
      { kind: 'frozen', key: 'ann', value: 1, why: 'not wanted' },
    ])
    expect(traced).toEqual([
      { name: 'test', kind: 'joined', key: 'ann' },
      { name: 'test', kind: 'frozen', key: 'ann', why: 'not wanted' },
    ])
    peers.close()
    peers.changes$.subscribe({ complete: () => (completed += 1) })
    expect(completed).toBe(2)
  })

  it('I10: harms nobody by throwing', () => {
    const errors: string[] = []
    const env = testEnv()
    const log = { ...env.log, error: (_fields: object, text: string) => errors.push(text) }
    let isBroken = false
    const { clock, peers } = opened({
      env: { ...env, log },
      freezeAfter: minute,
      onFreeze: () => {
        throw new Error('hook')
      },
      keep: () => {
        if (isBroken) throw new Error('keep')
        return {}
      },
    })
    peers.join('ann', 1)
    clock.advance(75_000)
    expect([keysOf(peers.frozen), ...errors]).toEqual(['ann', 'a hook threw: frozen'])
    isBroken = true
    clock.advance(15_000)
    expect(errors.at(-1)).toBe('a sweep of the roster threw')
    peers.close()
  })

  it.each([
    ['env.clock.now', { env: {} }],
    ['freezeAfter', { freezeAfter: 0 }],
    ['keep', { keep: { max: 1 } }],
    ['onFreeze', { onFreeze: 'log' }],
  ])('is told by name that the option %s cannot be used', (field, wrong) => {
    expect(() => opened(wrong as never)).toThrow(expect.objectContaining({ field }))
  })
})

describe('a roster to which anything is done in any order', () => {
  const anyDeeds = fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constantFrom('join', 'touch', 'freeze', 'thaw', 'forget', 'update', 'freeze-during'),
          key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        }),
      },
      fc.record({ do: fc.constantFrom('sweep', 'max'), n: fc.nat(3) }),
      fc.record({ do: fc.constantFrom('advance', 'sleep', 'step-wall'), n: fc.constantFrom(1, 999, 5000) }),
    ),
    { maxLength: 60, size: 'max' },
  )

  test.prop([anyDeeds], { numRuns: 300 })(
    'I22, I23, I24: members are live or frozen, keep their values, and are told of truly',
    (deeds) => {
      let max = 2
      const env = testEnv()
      const peers: Roster<string, number> = roster({
        env,
        freezeAfter: 4000,
        keep: () => ({ for: 9000, max }),
      })
      const believed = new Map<string, { where: 'live' | 'frozen'; value: number }>()
      peers.changes$.subscribe((change) => {
        const known = believed.get(change.key)
        if (change.kind === 'forgotten') believed.delete(change.key)
        else if (change.kind === 'joined') believed.set(change.key, { where: 'live', value: change.value })
        else {
          expect(known).toEqual({ where: change.kind === 'frozen' ? 'live' : 'frozen', value: change.value })
          believed.set(change.key, {
            where: change.kind === 'frozen' ? 'frozen' : 'live',
            value: change.value,
          })
        }
      })
      for (const [index, deed] of deeds.entries()) {
        const before = 'key' in deed ? believed.get(deed.key) : undefined
        switch (deed.do) {
          case 'join':
            expect(peers.join(deed.key, index) === 'already-live').toBe(before?.where === 'live')
            break
          case 'touch':
            expect(peers.touch(deed.key) === 'live').toBe(before?.where === 'live')
            break
          case 'freeze':
            expect(peers.freeze(deed.key, 'left')).toBe(before?.where === 'live')
            break
          case 'thaw': {
            const thawed = peers.thaw(deed.key)
            if (thawed !== null) expect(thawed.value).toBe(before?.value)
            expect(thawed !== null).toBe(before?.where === 'frozen' && believed.has(deed.key))
            break
          }
          case 'forget':
            expect(peers.forget(deed.key)).toBe(before !== undefined)
            break
          case 'update':
            expect(peers.update(deed.key, index)).toBe(before !== undefined)
            if (before !== undefined) believed.set(deed.key, { ...before, value: index })
            break
          case 'freeze-during':
            for (const key of peers.live.keys()) {
              expect(peers.frozen.has(key)).toBe(false)
              peers.freeze(deed.key, 'during')
            }
            break
          case 'sweep':
            peers.sweep()
            break
          case 'max':
            max = deed.n
            peers.sweep()
            break
          case 'advance':
            env.clock.advance(deed.n)
            break
          case 'sleep':
            env.clock.sleep(deed.n)
            break
          case 'step-wall':
            env.clock.stepWall(deed.n * 1000)
        }
        expect([...peers.live.keys()].filter((key) => peers.frozen.has(key))).toEqual([])
        expect(peers.frozen.size).toBeLessThanOrEqual(max)
        const real = [...peers.live, ...peers.frozen].map(([key, { value }]) => [key, value])
        expect(Object.fromEntries(real)).toEqual(
          Object.fromEntries([...believed].map(([key, { value }]) => [key, value])),
        )
      }
      peers.close()
      expect(env.clock.nextAt).toBeNull()
    },
  )
})
