import { lifecycle } from '@holdfast/core'
import { ScriptedDialer, testEnv } from '@holdfast/core/testing'
import { config, type Observable } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { Snapshots } from '../src/snapshots.js'

function counter() {
  let value = 0
  let isOver = false
  const snapshots = new Snapshots(
    () => value,
    () => isOver,
  )
  return {
    value$: snapshots.value$,
    next: () => {
      value += 1
      snapshots.next(value)
    },
    end: () => {
      isOver = true
      snapshots.complete()
    },
  }
}

function heardFrom(value$: Observable<number>): (number | string)[] {
  const heard: (number | string)[] = []
  value$.subscribe({ next: (value) => heard.push(value), complete: () => heard.push('complete') })
  return heard
}

afterEach(() => {
  config.onUnhandledError = null
})

describe('a stream of snapshots', () => {
  it('begins with the current one, tells each that follows, and completes', () => {
    const { value$, next, end } = counter()
    next()
    const heard = heardFrom(value$)
    next()
    end()
    expect(heard).toEqual([1, 2, 'complete'])
    expect(heardFrom(value$)).toEqual([2, 'complete'])
  })

  it('tells whoever subscribes during a round this round’s snapshot, once', () => {
    const { value$, next } = counter()
    let late: unknown[] = []
    value$.subscribe((value) => {
      if (value === 1) late = heardFrom(value$)
    })
    next()
    next()
    expect(late).toEqual([1, 2])
  })

  it('tells nothing to whoever unsubscribes during a round', () => {
    const { value$, next } = counter()
    const heard: number[] = []
    value$.subscribe((value) => {
      if (value === 1) second.unsubscribe()
    })
    const second = value$.subscribe((value) => heard.push(value))
    next()
    expect(heard).toEqual([0])
  })

  it('a subscriber that throws harms neither the others nor the source; the error is reported', async () => {
    const { value$, next } = counter()
    const reported = new Promise((resolve) => (config.onUnhandledError = resolve))
    value$.subscribe((value) => {
      if (value === 1) throw new Error('broken subscriber')
    })
    const heard = heardFrom(value$)
    next()
    next()
    expect(heard).toEqual([0, 1, 2])
    expect(await reported).toMatchObject({ message: 'broken subscriber' })
  })

  it('I10: a subscriber that throws does not hold up a lifecycle', async () => {
    const env = testEnv()
    const life = lifecycle({
      env,
      dialer: new ScriptedDialer(env.clock, [{ openAfter: 1 }]),
      endpoints: [{ uri: 'memory:a' }],
      protocol: (scope) => {
        scope.ready()
        return {}
      },
    })
    const reported = new Promise((resolve) => (config.onUnhandledError = resolve))
    life.state$.subscribe(({ phase }) => {
      if (phase === 'handshaking') throw new Error('broken subscriber')
    })
    life.start()
    env.clock.advance(1)
    expect(life.state.phase).toBe('ready')
    life.close()
    expect(await reported).toMatchObject({ message: 'broken subscriber' })
  })
})
