import type { LinkId } from '@holdfast/core'
import { cursorStep, idleCursor } from '@holdfast/core'
import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { type CursorWorldOptions, cursorWorld } from './cursor-world.js'
import { cursorMutants } from './mutants/cursor.js'

const dense = (a: number, b: number): 'next' | 'gap' | 'old' =>
  b === a + 1 ? 'next' : b > a + 1 ? 'gap' : 'old'

const worlds: Readonly<Record<string, CursorWorldOptions>> = {
  'without a store': { items: 3, links: 1, failures: 1 },
  'without a store, on two links': { failures: 1 },
  'with resets, one of them failing': { resets: 1, failures: 1 },
  'with a verdict during a resync': { resets: 2, links: 1 },
  'with floors': { floors: true, links: 1, failures: 1 },
  'with three floors': { items: 3, floors: true, links: 1, maxDepth: 8 },
  'with floors, failures and a second link': { floors: true, failures: 1, maxDepth: 9 },
  'with a store that saves': { rules: { savedBy: 'save' }, failures: 1, maxDepth: 12 },
  'with a store that saves, and a crash': { rules: { savedBy: 'save' }, crashes: 1 },
  'with a store that saves, and a reset': { rules: { savedBy: 'save' }, resets: 1, failures: 1, links: 1 },
  'with a store that saves now and then': { rules: { savedBy: 'save', saveEvery: 10 }, crashes: 1, links: 1 },
  'stored by apply': { rules: { savedBy: 'apply' }, crashes: 1, resets: 1, maxDepth: 10 },
  'in which every position is taken': { rules: { next: dense }, items: 3, resets: 1, links: 1 },
}

describe('the cursor machine, in every order of events', () => {
  for (const [name, options] of Object.entries(worlds)) {
    it(`I17, I18, I19, I20, I21: ${name}, never skips, repeats or overtakes`, () => {
      const { counterExample, states, steps } = explore(cursorWorld(options))
      console.log(`cursor ${name}: ${states} states, ${steps} steps`)
      expect(counterExample && describeCounterExample(counterExample)).toBeNull()
    }, 30_000)
  }
})

describe('a cursor machine with one rule broken', () => {
  for (const [name, { step, world }] of Object.entries(cursorMutants)) {
    it(`is caught when it breaks ${name}`, () => {
      const { counterExample } = explore(cursorWorld({ ...world, step }))
      if (counterExample === null) expect.fail('no counter-example')
      console.log(`${name}: ${describeCounterExample(counterExample)}`)
      expect(counterExample.events.length).toBeLessThanOrEqual(8)
    })
  }
})

describe('an event that means nothing', () => {
  const rules = {
    compare: (a: number, b: number) => a - b,
    backlog: { bytes: 1 },
    savedBy: 'save',
    saveEvery: 0,
  } as const

  it('returns the very same state', () => {
    const unloaded = idleCursor<number>(rules)
    const unknown = cursorStep(unloaded, { kind: 'loaded', position: { at: 3 } }, rules).state
    const closed = cursorStep(unknown, { kind: 'closed' }, rules).state
    const link = 1 as LinkId
    expect(cursorStep(unloaded, { kind: 'advanced', to: 3, at: 0 }, rules).state).toBe(unloaded)
    expect(cursorStep(unknown, { kind: 'advanced', to: 2, at: 0 }, rules).state).toBe(unknown)
    expect(cursorStep(unknown, { kind: 'applied', at: 0 }, rules).state).toBe(unknown)
    expect(cursorStep(unknown, { kind: 'link-ended', link }, rules).state).toBe(unknown)
    expect(cursorStep(closed, { kind: 'resumed', link }, rules).state).toBe(closed)
    expect(cursorStep(closed, { kind: 'closed' }, rules).state).toBe(closed)
  })
})

describe('positions without items', () => {
  it('I25: do not pile up behind a batch', () => {
    const rules = {
      compare: (a: number, b: number) => a - b,
      backlog: { bytes: 1 },
      savedBy: 'nobody',
      saveEvery: 0,
    } as const
    const link = 1 as LinkId
    let state = cursorStep(idleCursor(rules), { kind: 'opened', batch: 1, link }, rules).state
    state = cursorStep(state, { kind: 'sealed', batch: 1, to: 1, bytes: 1, count: 1, at: 0 }, rules).state
    for (let to = 2; to <= 1000; to += 1)
      state = cursorStep(state, { kind: 'advanced', to, at: 0 }, rules).state
    expect(JSON.stringify(state.queue).match(/order/g)).toHaveLength(2)
    expect(cursorStep(state, { kind: 'applied', at: 0 }, rules).state.applied).toEqual({ at: 1000 })
  })
})
