import { type Disturbance, systemClock, systemEnv } from '@holdfast/core'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
})

/** The host's clock with its hands held. */
function held() {
  vi.useFakeTimers()
  let [asleep, asked] = [0, 0]
  const clock = systemClock(() => {
    asked += 1
    return asleep + performance.now()
  })
  return {
    clock,
    /** How often the host was asked when it booted. */
    asked: () => asked,
    pass: (ms: number) => {
      vi.advanceTimersByTime(ms)
    },
    sleep: (ms: number) => {
      asleep += ms
      vi.setSystemTime(Date.now() + ms)
    },
  }
}

describe('the host’s clock', () => {
  it('calls once, after at least the time given, and can be cancelled', async () => {
    const clock = systemClock()
    const began = clock.now()
    clock.after(0, () => expect.unreachable()).cancel()
    await new Promise<void>((resolve) => clock.after(5, resolve))
    // Timers may be a fraction of a millisecond early.
    expect(clock.now() - began).toBeGreaterThan(4)
  })

  it('keeps delays that are longer than hosts’ timers take', () => {
    const { clock, pass } = held()
    const rung: string[] = []
    clock.after(40 * 86_400_000, () => rung.push('after 40 days'))
    const other = clock.after(40 * 86_400_000, () => rung.push('cancelled'))
    pass(30 * 86_400_000)
    other.cancel()
    pass(10 * 86_400_000 - 1)
    expect(rung).toEqual([])
    pass(1)
    expect(rung).toEqual(['after 40 days'])
  })

  it('sweeps together what sweeps at the same interval, and holds no process with it', () => {
    const { clock, pass } = held()
    const swept: string[] = []
    const a = clock.sweep(100, () => swept.push('a'))
    clock.sweep(100, () => swept.push('b')).unref()
    expect(vi.getTimerCount()).toBe(1)
    pass(100)
    a.cancel()
    pass(100)
    expect(swept).toEqual(['a', 'b', 'b'])
  })

  it('I24: since() counts host sleep, is never negative, and falls back to wall time across restarts', () => {
    const { clock, pass, sleep } = held()
    const mark = clock.mark()
    pass(1000)
    sleep(60_000)
    expect(clock.since(mark)).toBe(61_000)
    const ofAnother = {
      ...(mark as object),
      process: 'another',
      boot: 1e12,
      monotonic: 1e12,
    } as unknown as typeof mark
    expect(clock.since(ofAnother)).toBe(61_000)
    vi.setSystemTime(0)
    expect(clock.since(ofAnother)).toBe(0)
  })

  it('asks the host for its uptime once a second, and at once after a sleep', () => {
    const { clock, pass, sleep, asked } = held()
    const mark = clock.mark()
    for (let each = 0; each < 100; each += 1) {
      pass(50)
      expect(clock.since(mark)).toBe((each + 1) * 50)
    }
    expect(asked()).toBeLessThanOrEqual(6)
    sleep(500)
    expect(clock.since(mark)).toBe(5_500)
  })

  it('tells sleep, stall and a step of the wall clock apart', () => {
    const { clock, pass, sleep } = held()
    const told: Disturbance[] = []
    const off = clock.onDisturbance((d) => told.push(d))
    pass(5000)
    expect(told).toEqual([])
    sleep(60_000)
    pass(1000)
    expect(told).toEqual([{ kind: 'slept', by: 60_000 }])
    vi.setSystemTime(Date.now() - 86_400_000)
    pass(1000)
    expect(told[1]).toEqual({ kind: 'wall-step', by: -86_400_000 })
    off()
    off()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('an environment shares one admission gate with all that derive from it', () => {
    const env = systemEnv({ name: 'one' })
    expect({ ...env, name: 'another' }.admission).toBe(env.admission)
    expect(env.random()).toBeLessThan(1)
  })
})
