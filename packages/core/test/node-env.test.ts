import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../src/index.js'
import { nodeEnv } from '../src/node/index.js'
import { VirtualClock } from '../src/testing/index.js'

describe('the environment of a Node program', () => {
  it.each(['link', 'lifecycle', 'move', 'drain', 'cursor', 'roster', 'noun'] as const)(
    'publishes the trace of %s on the diagnostics channel of that name',
    (name) => {
      const seen: unknown[] = []
      const hear = (record: unknown): void => void seen.push(record)
      const env = nodeEnv({ name: 'test' })
      env.trace?.(name, { before: true })
      subscribe(`holdfast:${name}`, hear)
      env.trace?.(name, { during: true })
      unsubscribe(`holdfast:${name}`, hear)
      env.trace?.(name, { after: true })
      expect(seen).toEqual([{ during: true }])
    },
  )

  it('knows of host sleep, is silent, and can be given any part', () => {
    const env = nodeEnv({ name: 'test' })
    expect([env.name, env.log]).toEqual(['test', silentLog])
    expect((env.clock.mark() as unknown as { boot: number }).boot).toBeGreaterThan(0)
    const clock = new VirtualClock()
    expect(nodeEnv({ name: 'test', clock }).clock).toBe(clock)
  })
})
