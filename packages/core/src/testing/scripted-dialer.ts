import type { Clock, Dialer, Endpoint, LinkSink } from '../index.js'
import { end } from '../index.js'
import { type DialPlan, FaultyLink } from './faulty-link.js'

/**
 * A dialer that follows a script: one plan for each dial, the last one for all that follow. An empty plan hangs,
 * and the test opens or ends the link by hand.
 *
 * @example
 * ```ts
 * import { lifecycle } from '@holdfast/core'
 * import { ScriptedDialer, testEnv } from '@holdfast/core/testing'
 *
 * const env = testEnv()
 * const dialer = new ScriptedDialer(env.clock, [{ refuseAfter: 5 }, { openAfter: 5 }])
 * const life = lifecycle({
 *   env,
 *   dialer,
 *   endpoints: [{ uri: 'tcp://db.example:5432' }],
 *   protocol: (scope) => {
 *     scope.ready()
 *     return {}
 *   },
 * })
 * life.start()
 * env.clock.advance(5)
 * life.state.phase // => 'waiting'
 * env.clock.advance(2000)
 * life.state.phase // => 'ready'
 * life.close()
 * ```
 */
export class ScriptedDialer implements Dialer {
  /** Every link dialed so far, oldest first. */
  readonly links: FaultyLink[] = []
  readonly #clock: Clock
  readonly #plan: (dial: number, to: Endpoint) => DialPlan

  constructor(clock: Clock, script: readonly DialPlan[] | ((dial: number, to: Endpoint) => DialPlan) = []) {
    this.#clock = clock
    this.#plan = typeof script === 'function' ? script : (dial) => script[dial] ?? script.at(-1) ?? {}
  }

  /** The newest link. */
  get last(): FaultyLink {
    const link = this.links.at(-1)
    if (link === undefined) throw new Error('nothing has been dialed')
    return link
  }

  dial(to: Endpoint, sink: LinkSink): FaultyLink {
    const plan = this.#plan(this.links.length, to)
    if (plan.throws !== undefined) throw plan.throws
    const link = new FaultyLink(to, sink, plan)
    this.links.push(link)
    const { openAfter, refuseAfter, closeAfter, greeting } = plan
    if (refuseAfter !== undefined) {
      this.#clock.after(refuseAfter, () => {
        if (link.phase === 'opening') link.fail(end('dial-failed', { code: 'ECONNREFUSED' }))
      })
    }
    if (openAfter !== undefined) {
      this.#clock.after(openAfter, () => {
        if (link.phase !== 'opening') return
        link.open()
        if (greeting !== undefined && link.isOpen) link.receive(greeting)
        if (closeAfter !== undefined) this.#clock.after(closeAfter, () => link.isOpen && link.closeByPeer())
      })
    }
    return link
  }
}
