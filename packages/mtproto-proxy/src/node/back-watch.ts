import type { Env, Millis, PoolState, Timer } from '@holdfast/core'
import type { Observable, Subscription } from 'rxjs'

/** A back that is restarted is away for less. */
const patience: Millis = 5000

/**
 * Says when a front has been without its back for a while, and what to look at; and when it has it again. A front listens
 * all the same (spec 13).
 *
 * @param links - the link to the back, as a pool of one
 * @param uri - where the back should be
 */
export function watchBack(
  env: Env,
  links: { readonly state$: Observable<PoolState> },
  uri: string,
): Subscription {
  let timer: Timer | null = null
  let isMissed = false
  const settle = (): void => {
    timer?.cancel()
    timer = null
  }
  return links.state$.subscribe({
    next({ links: { length }, phase }) {
      if (length > 0 || phase !== 'open') {
        settle()
        if (isMissed && length > 0) env.log.warn({ name: env.name, back: uri }, 'the back is there again')
        isMissed = false
      } else if (!isMissed) {
        timer ??= env.clock.after(patience, () => {
          timer = null
          isMissed = true
          env.log.warn(
            { name: env.name, back: uri },
            `the back does not answer, and clients are closed: ${advice}`,
          )
        })
      }
    },
    error: settle,
    complete: settle,
  })
}

const advice =
  'see whether it runs with --role back, whether its split.listen is the address of back_node here, whether firewalls ' +
  'let this host through, and whether certificates are of one authority and allowed_fronts there names this front'
