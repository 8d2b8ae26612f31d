import { type PoolState, silentLog } from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import { BehaviorSubject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { watchBack } from '../src/node/back-watch.js'

const without: PoolState = {
  phase: 'open',
  links: [],
  slots: { opening: 0, waiting: 1, failed: 0 },
  parked: 0,
}
const linked = { ...without, links: [{}] } as unknown as PoolState

function watched() {
  const env = testEnv()
  const told: string[] = []
  const log = { ...silentLog, warn: (_fields: object, text: string) => told.push(text.slice(0, 24)) }
  const state$ = new BehaviorSubject(without)
  watchBack({ ...env, log }, { state$ }, 'tls://back.example.com:4430')
  return { told, state$, pass: (ms: number) => env.clock.advance(ms), clock: env.clock }
}

describe('13 a front without its back', () => {
  it('says so after a while, once, and again when it has it', () => {
    const { told, state$, pass } = watched()
    pass(4999)
    state$.next(without)
    expect(told).toEqual([])
    pass(1)
    state$.next(without)
    pass(60_000)
    expect(told).toEqual(['the back does not answer'])
    state$.next(linked)
    state$.next(without)
    pass(5000)
    expect(told).toEqual(['the back does not answer', 'the back is there again', 'the back does not answer'])
  })

  it('says nothing of a restart, nor when it is stopped itself', () => {
    const { told, state$, pass, clock } = watched()
    state$.next(linked)
    state$.next(without)
    pass(3000)
    state$.next(linked)
    pass(60_000)
    state$.next(without)
    state$.complete()
    pass(60_000)
    expect(told).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
