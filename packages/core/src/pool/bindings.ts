import { type End, end } from '../end.js'
import type { LinkProtocol } from '../link/types.js'
import { endOf, type HeldBinding } from './binding.js'
import type { BindingId, ReleaseWhy } from './model.js'
import type { HeldLink } from './slot.js'
import type { Movability, MoveReport, PooledBinding, PoolOptions } from './types.js'

/**
 * Everybody who is bound, and what their owner is told and asked of them. A hook that throws costs its own session and
 * link, and no other (I10).
 */
export class Bindings<S, P extends LinkProtocol> {
  /** Who was cut in the step at hand, and why. */
  readonly cut = new Map<BindingId, MoveReport['cut'][number]>()
  readonly #env: PoolOptions<S, P>['env']
  readonly #mover: PoolOptions<S, P>['mover']
  readonly #held = new Map<BindingId, HeldBinding<S, P>>()

  constructor({ env, mover }: PoolOptions<S, P>) {
    this.#env = env
    this.#mover = mover
  }

  add(id: BindingId, binding: HeldBinding<S, P>): void {
    this.#held.set(id, binding)
  }

  *[Symbol.iterator](): Generator<PooledBinding> {
    for (const [id, { ticket, link, moves }] of this.#held)
      yield { id, label: ticket.label, link: link?.id ?? null, moves }
  }

  movable(id: BindingId): Movability {
    const binding = this.#held.get(id)
    // Placed on a link that had ended by then, it never got there.
    if (binding === undefined || binding.link === null) return true
    if (binding.failure !== null) return 'pinned'
    try {
      return this.#mover.movable(binding.session, binding.link.protocol)
    } catch (thrown) {
      binding.failure = this.#threw('movable', thrown, binding.link)
      return 'pinned'
    }
  }

  attach(id: BindingId, link: HeldLink<P>): void {
    const binding = this.#held.get(id)
    if (binding === undefined) return
    binding.attached(link)
    try {
      this.#mover.attach(binding.session, link.protocol)
    } catch (thrown) {
      binding.failure = this.#threw('attach', thrown, link)
      link.scope.fail(binding.failure)
    }
  }

  detach(id: BindingId): void {
    const binding = this.#held.get(id)
    const link = binding?.link
    if (binding === undefined || link == null) return
    binding.detached()
    try {
      this.#mover.detach(binding.session, link.protocol, link.scope.link.phase !== 'ended')
    } catch (thrown) {
      link.scope.fail(this.#threw('detach', thrown, link))
    }
  }

  /** @param closed - how the pool was closed, if it was */
  release(id: BindingId, why: ReleaseWhy, closed: End | null): void {
    const binding = this.#held.get(id)
    if (binding === undefined) return
    const told = (why === 'closed' ? closed : null) ?? binding.endOf(why)
    if (why !== 'asked') this.cut.set(id, { label: binding.ticket.label, why: told })
    this.#forget(id, binding, told)
  }

  /** There is no place for it: whoever has it already is told so as of any release. */
  refuse(id: BindingId, why: ReleaseWhy): void {
    const binding = this.#held.get(id)
    if (binding === undefined) return
    if (binding.isGiven) this.#forget(id, binding, binding.endOf(why))
    else {
      this.#held.delete(id)
      binding.refusal = endOf(why)
      binding.ticket.done()
    }
  }

  #forget(id: BindingId, binding: HeldBinding<S, P>, why: End): void {
    this.#held.delete(id)
    binding.isReleased = true
    binding.ticket.done()
    try {
      this.#mover.released(binding.session, why)
    } catch (thrown) {
      this.#threw('released', thrown, null)
    }
  }

  #threw(hook: string, thrown: unknown, link: HeldLink<P> | null): End {
    const { name, log } = this.#env
    log.error({ name, link: link?.id, err: thrown }, `mover.${hook} threw`)
    return end('adapter-threw', {
      code: 'pinned',
      cause: thrown,
      detail: `mover.${hook} threw: ${String(thrown)}`,
      link: link?.id,
    })
  }
}
