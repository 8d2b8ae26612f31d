import type { Millis, Off } from '../end.js'
import { SweepWheel } from './sweep-wheel.js'
import type { Clock, Disturbance, Mark, Timer, WallStamp } from './types.js'

/** The three hands of a clock at one moment. `process` tells whether `monotonic` can be compared. */
interface Hands {
  readonly monotonic: Millis
  readonly boot: Millis | null
  readonly wall: WallStamp
  readonly process: string
}

interface HostTimer {
  unref?(): unknown
}

/** The longest delay that hosts' timers take. */
const longestDelay = 2 ** 31 - 1
/** How often the clock looks for disturbances while somebody listens. */
const watchEvery: Millis = 1000
/** Smaller differences are the noise of timers. */
const noise: Millis = 2000
/** How long the time since boot is told from the last answer, unless the hands have parted: the host reads a file for it. */
const bootWithin: Millis = 1000
/** By how much the wall's hand may differ from the monotonic one before the host is asked again at once. */
const parted: Millis = 20

/**
 * The host's clock.
 *
 * @param bootNow - milliseconds since the host booted, host sleep included, where the platform tells; without it
 *   sleep is judged by wall time
 */
export function systemClock(bootNow?: () => Millis): Clock {
  const now = (): Millis => performance.now()
  const wall = (): WallStamp => Date.now()
  const process = `${performance.timeOrigin}`
  let asked: Hands = { monotonic: -Infinity, boot: null, wall: 0, process }
  const read = (): Hands => {
    const hands: Hands = { monotonic: now(), boot: null, wall: wall(), process }
    if (bootNow === undefined) return hands
    const passed = hands.monotonic - asked.monotonic
    // A sleep moves the wall's hand alone, as whoever sets it does.
    const isFresh = passed < bootWithin && Math.abs(hands.wall - asked.wall - passed) < parted
    const known = asked.boot === null ? 0 : asked.boot + passed
    if (isFresh) return { ...hands, boot: known }
    // It answers in hundredths of a second; this hand must not go back by that.
    asked = { ...hands, boot: Math.max(known, bootNow()) }
    return asked
  }

  const wheel = new SweepWheel(now, (ms, tick) => {
    const timer = setInterval(tick, ms)
    unref(timer)
    return () => clearInterval(timer)
  })
  const watchers = new Set<(d: Disturbance) => void>()
  let watch: Timer | null = null

  function startWatching(): void {
    let last = read()
    watch = wheel.add(watchEvery, () => {
      const hands = read()
      for (const d of disturbances(last, hands)) for (const fn of [...watchers]) fn(d)
      last = hands
    })
  }

  return {
    now,
    wall,
    mark: () => read() as unknown as Mark,
    since: (mark) => elapsed(mark as unknown as Hands, read()),
    after: (ms, fn) => new SystemTimer(ms, fn),
    sweep: (ms, fn) => wheel.add(ms, fn),
    onDisturbance(fn): Off {
      const entry = (d: Disturbance): void => fn(d)
      watchers.add(entry)
      if (watch === null) startWatching()
      return () => {
        watchers.delete(entry)
        if (watchers.size > 0) return
        watch?.cancel()
        watch = null
      }
    },
  }
}

/** Time between two readings: counts host sleep, never negative. */
function elapsed(from: Hands, to: Hands): Millis {
  const civil = Math.max(0, to.wall - from.wall)
  if (from.process !== to.process) return civil
  const awake = to.monotonic - from.monotonic
  const asleepToo = from.boot === null || to.boot === null ? civil : to.boot - from.boot
  return Math.max(0, awake, asleepToo)
}

/** What happened between two readings that should have been {@link watchEvery} apart. */
function disturbances(from: Hands, to: Hands): Disturbance[] {
  const found: Disturbance[] = []
  const awake = to.monotonic - from.monotonic
  const real = from.boot === null || to.boot === null ? to.wall - from.wall : to.boot - from.boot
  const slept = real - awake
  if (slept > noise) found.push({ kind: 'slept', by: slept })
  if (awake - watchEvery > noise) found.push({ kind: 'stalled', by: awake - watchEvery })
  const stepped = to.wall - from.wall - Math.max(awake, real)
  if (Math.abs(stepped) > noise) found.push({ kind: 'wall-step', by: stepped })
  return found
}

class SystemTimer implements Timer {
  #handle: ReturnType<typeof setTimeout>
  #holds = true

  constructor(ms: Millis, fn: () => void) {
    this.#handle = this.#start(Math.max(0, ms), fn)
  }

  #start(ms: Millis, fn: () => void): ReturnType<typeof setTimeout> {
    const handle = setTimeout(
      () => {
        if (ms > longestDelay) this.#handle = this.#start(ms - longestDelay, fn)
        else fn()
      },
      Math.min(ms, longestDelay),
    )
    if (!this.#holds) unref(handle)
    return handle
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }

  unref(): Timer {
    this.#holds = false
    unref(this.#handle)
    return this
  }
}

/** Browsers' timers are numbers, and hold nothing. */
function unref(timer: HostTimer | number): void {
  if (typeof timer === 'object') timer.unref?.()
}
