import type { End, Millis } from '../end.js'
import type { Env } from '../env/types.js'
import { HoldfastError } from '../errors.js'
import { asError } from '../link/as-error.js'
import type { LinkProtocol } from '../link/types.js'
import type { Lifecycle, LifecycleState } from './types.js'

/** How long to wait, and what calls it off. */
export interface WhenReadyOptions {
  readonly signal?: AbortSignal
  readonly within?: Millis
}

/** Waits until a lifecycle has a link that is ready; see {@link Lifecycle.whenReady}. */
export async function whenReady<P extends LinkProtocol>(
  lifecycle: Lifecycle<P>,
  env: Env,
  { signal, within }: WhenReadyOptions,
): Promise<P> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      timer?.cancel()
      signal?.removeEventListener('abort', abort)
      // On a state that is told while subscribing, there is no subscription yet.
      queueMicrotask(() => subscription.unsubscribe())
      act()
    }
    const abort = (): void => settle(() => reject(signal?.reason as Error))
    const tooLate = (): void => {
      const message = `${env.name} was not ready within ${within} ms: ${whereItIs(lifecycle.state)}`
      settle(() => reject(new HoldfastError('HF_NOT_READY', message)))
    }
    const timer = within === undefined ? null : env.clock.after(within, tooLate)
    signal?.addEventListener('abort', abort)
    const next = (state: LifecycleState): void => {
      const { current } = lifecycle
      if (current !== null) settle(() => resolve(current))
      else if (state.phase === 'closed' || state.phase === 'failed') {
        settle(() => reject(endedError(env.name, state.why)))
      }
    }
    const subscription = lifecycle.state$.subscribe({ next, error: reject })
  })
}

function whereItIs(state: LifecycleState): string {
  if (state.phase === 'idle') return 'it is idle, start() was not called'
  return state.phase === 'waiting' ? `it is waiting, ${asError(state.why).message}` : `it is ${state.phase}`
}

function endedError(name: string, why: End): HoldfastError {
  const message = `${name} ended: ${asError(why).message}`
  return new HoldfastError('HF_LIFECYCLE_ENDED', message, { end: why, cause: why.cause })
}
