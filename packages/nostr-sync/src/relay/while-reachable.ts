import { type Clock, HoldfastError, type Lifecycle, type Millis, type Timer } from '@holdfast/core'

/** How long {@link whileReachable} does without its peer. */
export interface Patience {
  readonly clock: Clock
  /** Who it is, for the message. */
  readonly peer: string
  /** How long to do without a link that is ready. What one loss takes of it is given back once a link is stable. */
  readonly within: Millis
}

/**
 * Waits for work that the links of a lifecycle do, one link after the other, for as long as there are links.
 *
 * @throws (rejects) a `HoldfastError` `HF_NOT_READY` when the peer is out of reach for too long, or will not be asked again for
 *   longer than that, or the lifecycle has ended
 */
export async function whileReachable<T>(
  life: Lifecycle,
  { clock, peer, within }: Patience,
  work: Promise<T>,
): Promise<T> {
  let fail: (error: unknown) => void = () => undefined
  const gone = new Promise<never>((_, reject) => (fail = reject))
  const without: { left: Millis; since: Millis; timer: Timer | null } = {
    left: within,
    since: 0,
    timer: null,
  }
  const giveUp = (): void => {
    const { state } = life
    const why = 'why' in state ? state.why : null
    const because = why === null ? state.phase : (why.detail ?? why.kind)
    const message = `${peer} cannot be reached: ${because}`
    fail(new HoldfastError('HF_NOT_READY', message, why === null ? {} : { end: why, cause: why.cause }))
  }
  const look = (): void => {
    const { state } = life
    if (state.phase === 'closed' || state.phase === 'failed') giveUp()
    else if (state.phase === 'ready') {
      without.timer?.cancel()
      // A peer that takes links and drops them is not reached by that.
      if (state.stable) without.left = within
      else if (without.timer !== null) without.left -= clock.now() - without.since
      without.timer = null
    } else {
      if (without.timer === null) {
        without.since = clock.now()
        without.timer = clock.after(without.left, giveUp)
      }
      // A lasting fault, or a relay that asks to be left alone: no patience lasts until it is tried again.
      if (state.phase === 'waiting' && state.retryAt - clock.now() > within) giveUp()
    }
  }
  const following = life.state$.subscribe({ next: look, error: fail })
  try {
    return await Promise.race([work, gone])
  } finally {
    following.unsubscribe()
    without.timer?.cancel()
  }
}
