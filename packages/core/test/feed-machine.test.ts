import { type FeedReaderEvent, type FeedReaderMachine, feedReaderStep, newFeedReader } from '@holdfast/core'
import { describeCounterExample, explore } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { feedWorld } from './feed-world.js'
import { feedMutants } from './mutants/feed.js'

describe('the machine of a feed’s reader, in every order of events', () => {
  for (const live of [1, 2]) {
    it(`I25: with ${live} rows that may wait, sends every row once and in order, and holds no more`, () => {
      const { counterExample, states, steps } = explore(feedWorld({ live, rows: 6 }))
      console.log(`feed: ${states} states, ${steps} steps`)
      expect(counterExample && describeCounterExample(counterExample)).toBeNull()
    })
  }
})

describe('a reader’s machine with one rule broken', () => {
  for (const [name, step] of Object.entries(feedMutants)) {
    it(`is caught when it ${name}`, () => {
      const { counterExample } = explore(
        feedWorld({ step, live: name.includes('full answer') ? 2 : 1, rows: 6 }),
      )
      if (counterExample === null) expect.fail('no counter-example')
      console.log(`${name}: ${describeCounterExample(counterExample)}`)
      expect(counterExample.events.length).toBeLessThanOrEqual(8)
    })
  }
})

describe('an event that means nothing to a reader', () => {
  const live: FeedReaderMachine = { phase: 'live' }
  const meaningless: readonly (readonly [FeedReaderMachine, FeedReaderEvent])[] = [
    [live, { kind: 'opened', behind: true }],
    [live, { kind: 'page', reached: true, empty: true }],
    [live, { kind: 'unreadable' }],
    [live, { kind: 'overflowed' }],
    [live, { kind: 'sent' }],
    [live, { kind: 'drained' }],
    [live, { kind: 'writable' }],
    [newFeedReader, { kind: 'full' }],
    [{ phase: 'waiting', again: false }, { kind: 'overflowed' }],
    [{ phase: 'reading', kept: false, again: false }, { kind: 'overflowed' }],
    [{ phase: 'closed' }, { kind: 'closed' }],
  ]
  it.each(meaningless)('returns the very same state: %o, %o', (state, event) => {
    expect(feedReaderStep(state, event)).toEqual({ state, effects: [] })
    expect(feedReaderStep(state, event).state).toBe(state)
  })
})
