import { type Observable, Subject } from 'rxjs'
import { callable, positive } from '../budget.js'
import type { Millis } from '../end.js'
import { checkEnv } from '../env/check-env.js'
import { announce } from '../env/noun-record.js'
import type { Mark, Timer, WallStamp } from '../env/types.js'
import { Interpreter, type Step } from '../interpreter.js'
import type { SortedKey } from '../sorted-map.js'
import { emptyRoster, rosterStep } from './machine.js'
import { MembersView } from './members-view.js'
import type { RosterEvent, RosterMachine, RosterRules, RosterTime } from './model.js'
import type { Member, Roster, RosterChange, RosterOptions } from './types.js'

/**
 * Makes a {@link Roster}. With `freezeAfter` it sweeps itself until it is closed.
 *
 * @throws an `OptionError` that names the option it refuses
 *
 * @example
 * ```ts
 * import { roster } from '@holdfast/core'
 * import { testEnv } from '@holdfast/core/testing'
 *
 * const env = testEnv()
 * const peers = roster<string, { nick: string }>({
 *   env,
 *   freezeAfter: 60_000,
 *   keep: () => ({ for: 900_000, max: 128 }),
 * })
 *
 * peers.join('ann', { nick: 'Ann' }) // => 'joined'
 * env.clock.advance(75_000)
 * Array.from(peers.frozen.keys()) // => ['ann']
 *
 * peers.touch('ann') // => 'thawed'
 * peers.live.get('ann')?.value // => { nick: 'Ann' }
 *
 * peers.freeze('ann', 'left') // => true
 * env.clock.advance(915_001)
 * peers.frozen.size // => 0
 * peers.close()
 * ```
 */
export function roster<K extends SortedKey, V>(options: RosterOptions<K, V>): Roster<K, V> {
  checkEnv(options.env)
  if (options.freezeAfter !== undefined) positive('freezeAfter', options.freezeAfter)
  for (const field of ['keep', 'evictFirst', 'onFreeze', 'onThaw', 'onForget'] as const)
    if (options[field] !== undefined) callable(field, options[field])
  const made = new RosterShell(options)
  announce({ kind: 'roster', env: options.env, noun: made })
  return made
}

class RosterShell<K extends SortedKey, V>
  extends Interpreter<RosterMachine<K, V>, RosterEvent<K, V>, RosterChange<K, V>>
  implements Roster<K, V>
{
  readonly live: ReadonlyMap<K, Member<V>> = new MembersView(() => this.machine.live)
  readonly frozen: ReadonlyMap<K, Member<V>> = new MembersView(() => this.machine.frozen)
  readonly #options: RosterOptions<K, V>
  readonly #began: { readonly wall: WallStamp; readonly mark: Mark }
  #changes$: Subject<RosterChange<K, V>> | null = null
  #sweeper: Timer | null = null
  #isClosed = false

  constructor(options: RosterOptions<K, V>) {
    super(emptyRoster())
    const { env, freezeAfter, restore } = options
    this.#options = options
    this.#began = { wall: env.clock.wall(), mark: env.clock.mark() }
    if (restore !== undefined) this.send({ kind: 'restored', members: restore, at: this.#now })
    if (freezeAfter !== undefined) this.#sweeper = this.#sweepEvery(freezeAfter / 4)
  }

  get changes$(): Observable<RosterChange<K, V>> {
    this.#changes$ ??= new Subject()
    if (this.#isClosed) this.#changes$.complete()
    return this.#changes$.asObservable()
  }

  join(key: K, value: V): 'joined' | 'thawed' | 'already-live' {
    const { live, frozen } = this.#probe({ kind: 'join', key, value, at: this.#now })
    return live ? 'already-live' : frozen ? 'thawed' : 'joined'
  }

  touch(key: K): 'live' | 'thawed' | 'unknown' {
    const { live, frozen } = this.#probe({ kind: 'touch', key, at: this.#now })
    return live ? 'live' : frozen ? 'thawed' : 'unknown'
  }

  update(key: K, value: V): boolean {
    const { live, frozen } = this.#probe({ kind: 'update', key, value })
    return live || frozen
  }

  freeze(key: K, why: string): boolean {
    return this.#probe({ kind: 'freeze', key, why, at: this.#now }).live
  }

  thaw(key: K): { readonly value: V; readonly frozenFor: Millis } | null {
    const at = this.#now
    const member = this.machine.frozen.get(key)
    const { frozen } = this.#probe({ kind: 'thaw', key, at })
    return frozen && member !== undefined
      ? { value: member.value, frozenFor: at.stamp - member.frozen.since }
      : null
  }

  forget(key: K): boolean {
    const { live, frozen } = this.#probe({ kind: 'forget', key })
    return live || frozen
  }

  sweep(): void {
    this.send({ kind: 'sweep', at: this.#now })
  }

  close(): void {
    this.#isClosed = true
    this.#sweeper?.cancel()
    this.#changes$?.complete()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  protected step(
    state: RosterMachine<K, V>,
    event: RosterEvent<K, V>,
  ): Step<RosterMachine<K, V>, RosterChange<K, V>> {
    return rosterStep(state, event, this.#rules)
  }

  protected perform(change: RosterChange<K, V>): void {
    const { onFreeze, onThaw, onForget, env } = this.#options
    const { key, value } = change
    try {
      if (change.kind === 'frozen') onFreeze?.(key, value, change.why)
      else if (change.kind === 'thawed') onThaw?.(key, value, change.frozenFor)
      else if (change.kind === 'forgotten') onForget?.(key, value, change.why)
    } catch (thrown) {
      env.log.error({ name: env.name, key, err: thrown }, `a hook threw: ${change.kind}`)
    }
    // Whatever a value is, it is not for diagnostics.
    env.trace?.('roster', { name: env.name, ...change, value: undefined })
    this.#changes$?.next(change)
  }

  protected publish(): void {
    // The maps are what is published: whoever is told of a change finds it made.
  }

  /** Sends an event about one member, and says where that was, as the event found it. */
  #probe(event: Exclude<RosterEvent<K, V>, { kind: 'sweep' | 'restored' }>): {
    readonly live: boolean
    readonly frozen: boolean
  } {
    const { live, frozen } = this.machine
    const member = frozen.get(event.key)
    const isKept = member !== undefined && !this.#isExpired(event, member.frozen.since)
    const found = { live: live.has(event.key), frozen: isKept }
    this.send(event)
    return found
  }

  #isExpired(event: RosterEvent<K, V>, since: WallStamp): boolean {
    return 'at' in event && event.at.stamp - since > (this.#options.keep?.().for ?? Infinity)
  }

  #sweepEvery(ms: Millis): Timer {
    const { env } = this.#options
    let last = env.clock.now()
    return env.clock.sweep(ms, (now) => {
      // Our own loop has stood still: what has arrived meanwhile is read before anybody is called silent (I24).
      const isLate = now - last > 2 * ms
      last = now
      if (isLate) return
      try {
        this.sweep()
      } catch (thrown) {
        // On a wheel that is shared, what `keep` throws must not keep others from their turn.
        env.log.error({ name: env.name, err: thrown }, 'a sweep of the roster threw')
      }
    })
  }

  get #rules(): RosterRules<V> {
    const { freezeAfter, keep, evictFirst } = this.#options
    return {
      ...(freezeAfter !== undefined && { freezeAfter }),
      ...(keep && { keep: keep() }),
      ...(evictFirst && { evictFirst }),
    }
  }

  /** Wall time as it was at the start, and what has gone by since: nobody who sets the clock moves it (I24). */
  get #now(): RosterTime {
    const { clock } = this.#options.env
    return { beat: clock.now(), stamp: this.#began.wall + clock.since(this.#began.mark) }
  }
}
